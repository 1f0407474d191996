//! Is this condition true? The expressions of `when` and of `retryStrategy.expression`.
//!
//! Argo evaluates the two with different libraries, so there are two dialects of one grammar:
//!
//! ```text
//! condition  = or [ "?" condition ":" condition ]
//! or         = and  { ("||" | "or")  and }
//! and        = comparison { ("&&" | "and") comparison }
//! comparison = sum { ("==" | "!=" | "<" | "<=" | ">" | ">=" | "=~" | "!~" | "in" | "matches"
//!                    | "contains" | "startsWith" | "endsWith") sum }
//! sum        = product { ("+" | "-") product }
//! product    = unary { ("*" | "/" | "%") unary }
//! unary      = ("!" | "not" | "-") unary | primary
//! primary    = number | 'text' | "text" | word | word "(" condition ")" | "(" list ")" | "[" list "]"
//! ```

use regex::Regex;
use thiserror::Error;

/// How words are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `when`: a word is a text, so that `foo == foo` needs no quotes.
    When,
    /// `retryStrategy.expression`: a word is a variable, an operator or a function.
    Retry,
}

/// A value in an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// A truth value.
    Bool(bool),
    /// Several values.
    List(Vec<Self>),
}

/// An expression that cannot be parsed or evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expression `{expression}`: {problem}")]
pub(crate) struct ExpressionError {
    expression: String,
    problem: String,
}

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expression {
    text: String,
    root: Term,
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Value(Value),
    Variable(String),
    List(Vec<Self>),
    Call(Function, Box<Self>),
    Not(Box<Self>),
    Minus(Box<Self>),
    Binary(Operator, Box<Self>, Box<Self>),
    Choice(Box<Self>, Box<Self>, Box<Self>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    AsInt,
    AsFloat,
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Matches,
    MatchesNot,
    In,
    Contains,
    StartsWith,
    EndsWith,
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
}

/// How tightly operators bind, loosest first.
const LEVELS: [&[(&str, Operator)]; 5] = [
    &[("||", Operator::Or), ("or", Operator::Or)],
    &[("&&", Operator::And), ("and", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::Unequal),
        ("<=", Operator::AtMost),
        (">=", Operator::AtLeast),
        ("<", Operator::Less),
        (">", Operator::Greater),
        ("=~", Operator::Matches),
        ("!~", Operator::MatchesNot),
        ("in", Operator::In),
        ("IN", Operator::In),
        ("matches", Operator::Matches),
        ("contains", Operator::Contains),
        ("startsWith", Operator::StartsWith),
        ("endsWith", Operator::EndsWith),
    ],
    &[("+", Operator::Plus), ("-", Operator::Minus)],
    &[("*", Operator::Times), ("/", Operator::Divide), ("%", Operator::Remainder)],
];

/// Operators that are words in [`Dialect::When`] as well.
const WHEN_WORDS: [&str; 2] = ["in", "IN"];

/// The limit of nesting in an expression.
const MAX_DEPTH: usize = 50;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Symbol(&'static str),
    Word(String),
    Text(String),
    Number(f64),
}

const SYMBOLS: [&str; 23] = [
    "||", "&&", "==", "!=", "<=", ">=", "=~", "!~", "<", ">", "!", "(", ")", "[", "]", ",", "+",
    "-", "*", "/", "%", "?", ":",
];

/// Reads an expression.
pub(crate) fn parse(text: &str, dialect: Dialect) -> Result<Expression, ExpressionError> {
    let failed = |problem: String| ExpressionError { expression: text.to_owned(), problem };
    let tokens = tokens(text).map_err(failed)?;
    let mut parser = Parser { tokens, next: 0, depth: 0, dialect };
    let root = parser.condition().map_err(failed)?;
    if let Some(token) = parser.peek() {
        return Err(failed(format!("{} was not expected", shown(token))));
    }
    Ok(Expression { text: text.to_owned(), root })
}

impl Expression {
    /// Returns whether the expression is true; `lookup` gives the values of variables.
    pub(crate) fn is_true(
        &self,
        lookup: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<bool, ExpressionError> {
        let failed = |problem: String| ExpressionError { expression: self.text.clone(), problem };
        match evaluate(&self.root, lookup).map_err(failed)? {
            Value::Bool(value) => Ok(value),
            other => Err(failed(format!("`true` or `false` was expected, not {other:?}"))),
        }
    }
}

/// Returns whether an already substituted `when` holds.
pub(crate) fn when(text: &str) -> Result<bool, ExpressionError> {
    parse(text, Dialect::When)?.is_true(&|_| None)
}

fn shown(token: &Token) -> String {
    match token {
        Token::Symbol(symbol) => format!("`{symbol}`"),
        Token::Word(word) => format!("`{word}`"),
        Token::Text(text) => format!("the text `{text}`"),
        Token::Number(number) => format!("the number {number}"),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let tail;
        if first == '"' || first == '\'' {
            let (value, after) = quoted(rest, first)?;
            tokens.push(Token::Text(value));
            tail = after;
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest
                .find(|character: char| {
                    !character.is_alphanumeric() && character != '_' && character != '.'
                })
                .unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            tokens.push(match word.parse::<f64>() {
                Ok(number) if first.is_ascii_digit() => Token::Number(number),
                _ => Token::Word(word.to_owned()),
            });
            tail = after;
        } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            tokens.push(Token::Symbol(symbol));
            tail = rest.get(symbol.len()..).unwrap_or_default();
        } else {
            return Err(format!("`{first}` was not expected; put texts in quotes"));
        }
        rest = tail.trim_start();
    }
    Ok(tokens)
}

/// Splits a quoted text off the front.
fn quoted(rest: &str, quote: char) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((place, character)) = characters.next() {
        if character == quote {
            let after = rest.get(place + character.len_utf8()..).unwrap_or_default();
            return Ok((value, after));
        }
        if character == '\\' {
            let Some((_, escaped)) = characters.next() else { break };
            value.push(match escaped {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            });
        } else {
            value.push(character);
        }
    }
    Err(format!("the closing {quote} is missing"))
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    dialect: Dialect,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol);
        if found {
            self.next += 1;
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), String> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(format!("`{symbol}` is missing")) }
    }

    fn condition(&mut self) -> Result<Term, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("it is nested too deeply".to_owned());
        }
        let mut term = self.binary(0)?;
        if self.take_symbol("?") {
            let yes = self.condition()?;
            self.expect(":")?;
            let no = self.condition()?;
            term = Term::Choice(Box::new(term), Box::new(yes), Box::new(no));
        }
        self.depth -= 1;
        Ok(term)
    }

    fn binary(&mut self, level: usize) -> Result<Term, String> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.take_operator(operators) {
            let right = self.binary(level + 1)?;
            left = Term::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn take_operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        let word = match self.peek()? {
            Token::Symbol(symbol) => *symbol,
            Token::Word(word)
                if self.dialect == Dialect::Retry || WHEN_WORDS.contains(&word.as_str()) =>
            {
                word.as_str()
            }
            _ => return None,
        };
        let (_, operator) = operators.iter().find(|(name, _)| *name == word)?;
        self.next += 1;
        Some(*operator)
    }

    fn unary(&mut self) -> Result<Term, String> {
        let is_not = self.dialect == Dialect::Retry
            && matches!(self.peek(), Some(Token::Word(word)) if word == "not");
        if is_not || matches!(self.peek(), Some(Token::Symbol("!"))) {
            self.next += 1;
            return Ok(Term::Not(Box::new(self.deeper(Self::unary)?)));
        }
        if self.take_symbol("-") {
            return Ok(Term::Minus(Box::new(self.deeper(Self::unary)?)));
        }
        self.primary()
    }

    fn deeper(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<Term, String>,
    ) -> Result<Term, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("it is nested too deeply".to_owned());
        }
        let term = parse(self)?;
        self.depth -= 1;
        Ok(term)
    }

    fn primary(&mut self) -> Result<Term, String> {
        match self.take() {
            Some(Token::Number(number)) => Ok(Term::Value(Value::Number(number))),
            Some(Token::Text(text)) => Ok(Term::Value(Value::Text(text))),
            Some(Token::Word(word)) => self.word(word),
            Some(Token::Symbol("(")) => {
                let mut items = self.list(")")?;
                match items.len() {
                    1 => Ok(items.remove(0)),
                    _ => Ok(Term::List(items)),
                }
            }
            Some(Token::Symbol("[")) => Ok(Term::List(self.list("]")?)),
            Some(token) => Err(format!("{} was not expected", shown(&token))),
            None => Err("the expression ends too early".to_owned()),
        }
    }

    fn word(&mut self, word: String) -> Result<Term, String> {
        match word.as_str() {
            "true" => return Ok(Term::Value(Value::Bool(true))),
            "false" => return Ok(Term::Value(Value::Bool(false))),
            _ => {}
        }
        if self.dialect == Dialect::When {
            return Ok(Term::Value(Value::Text(word)));
        }
        if !self.take_symbol("(") {
            return Ok(Term::Variable(word));
        }
        let function = match word.as_str() {
            "asInt" | "int" => Function::AsInt,
            "asFloat" | "float" => Function::AsFloat,
            "string" => Function::Text,
            other => return Err(format!("the function `{other}` is not supported here")),
        };
        let argument = self.condition()?;
        self.expect(")")?;
        Ok(Term::Call(function, Box::new(argument)))
    }

    fn list(&mut self, end: &str) -> Result<Vec<Term>, String> {
        let mut items = Vec::new();
        if self.take_symbol(end) {
            return Ok(items);
        }
        loop {
            items.push(self.condition()?);
            if !self.take_symbol(",") {
                self.expect(end)?;
                return Ok(items);
            }
        }
    }
}

fn evaluate(term: &Term, lookup: &dyn Fn(&str) -> Option<Value>) -> Result<Value, String> {
    match term {
        Term::Value(value) => Ok(value.clone()),
        Term::Variable(name) => {
            lookup(name).ok_or_else(|| format!("`{name}` is not a known variable"))
        }
        Term::List(items) => {
            let values: Result<_, _> = items.iter().map(|item| evaluate(item, lookup)).collect();
            Ok(Value::List(values?))
        }
        Term::Call(function, argument) => call(*function, evaluate(argument, lookup)?),
        Term::Not(inner) => Ok(Value::Bool(!truth(evaluate(inner, lookup)?)?)),
        Term::Minus(inner) => Ok(Value::Number(-number(evaluate(inner, lookup)?)?)),
        Term::Choice(condition, yes, no) => {
            let chosen = if truth(evaluate(condition, lookup)?)? { yes } else { no };
            evaluate(chosen, lookup)
        }
        Term::Binary(Operator::Or, left, right) => {
            let value = truth(evaluate(left, lookup)?)? || truth(evaluate(right, lookup)?)?;
            Ok(Value::Bool(value))
        }
        Term::Binary(Operator::And, left, right) => {
            let value = truth(evaluate(left, lookup)?)? && truth(evaluate(right, lookup)?)?;
            Ok(Value::Bool(value))
        }
        Term::Binary(operator, left, right) => {
            binary(*operator, evaluate(left, lookup)?, evaluate(right, lookup)?)
        }
    }
}

fn call(function: Function, argument: Value) -> Result<Value, String> {
    let wrong = |value: &Value| format!("{value:?} is not a number");
    match (function, argument) {
        (Function::Text, Value::Text(text)) => Ok(Value::Text(text)),
        (Function::Text, Value::Number(number)) => Ok(Value::Text(number.to_string())),
        (Function::Text, Value::Bool(value)) => Ok(Value::Text(value.to_string())),
        (Function::AsFloat, value @ Value::Number(_)) => Ok(value),
        (Function::AsInt, Value::Number(number)) => Ok(Value::Number(number.trunc())),
        (Function::AsInt, value @ Value::Text(_)) => match &value {
            Value::Text(text) if text.parse::<i64>().is_ok() => to_number(text, &value),
            _ => Err(wrong(&value)),
        },
        (Function::AsFloat, Value::Text(text)) => to_number(&text, &Value::Text(text.clone())),
        (_, value) => Err(wrong(&value)),
    }
}

fn to_number(text: &str, value: &Value) -> Result<Value, String> {
    text.parse().map(Value::Number).map_err(|_| format!("{value:?} is not a number"))
}

fn truth(value: Value) -> Result<bool, String> {
    match value {
        Value::Bool(value) => Ok(value),
        other => Err(format!("`true` or `false` was expected, not {other:?}")),
    }
}

fn number(value: Value) -> Result<f64, String> {
    match value {
        Value::Number(number) => Ok(number),
        other => Err(format!("a number was expected, not {other:?}")),
    }
}

fn text(value: Value) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(format!("a text was expected, not {other:?}")),
    }
}

fn binary(operator: Operator, left: Value, right: Value) -> Result<Value, String> {
    let truth = |value: bool| Ok(Value::Bool(value));
    match operator {
        Operator::Equal => truth(left == right),
        Operator::Unequal => truth(left != right),
        Operator::Less => truth(order(&left, &right)?.is_lt()),
        Operator::AtMost => truth(order(&left, &right)?.is_le()),
        Operator::Greater => truth(order(&left, &right)?.is_gt()),
        Operator::AtLeast => truth(order(&left, &right)?.is_ge()),
        Operator::Matches => truth(pattern(right)?.is_match(&text(left)?)),
        Operator::MatchesNot => truth(!pattern(right)?.is_match(&text(left)?)),
        Operator::Contains => truth(text(left)?.contains(&text(right)?)),
        Operator::StartsWith => truth(text(left)?.starts_with(&text(right)?)),
        Operator::EndsWith => truth(text(left)?.ends_with(&text(right)?)),
        Operator::In => match right {
            Value::List(items) => truth(items.contains(&left)),
            single => truth(single == left),
        },
        Operator::Plus => match (left, right) {
            (Value::Text(left), Value::Text(right)) => Ok(Value::Text(left + &right)),
            (left, right) => Ok(Value::Number(number(left)? + number(right)?)),
        },
        Operator::Minus => Ok(Value::Number(number(left)? - number(right)?)),
        Operator::Times => Ok(Value::Number(number(left)? * number(right)?)),
        Operator::Divide => Ok(Value::Number(number(left)? / number(right)?)),
        Operator::Remainder => Ok(Value::Number(number(left)? % number(right)?)),
        Operator::Or | Operator::And => truth(false),
    }
}

fn pattern(value: Value) -> Result<Regex, String> {
    let text = text(value)?;
    Regex::new(&text).map_err(|_| format!("`{text}` is not a regular expression"))
}

fn order(left: &Value, right: &Value) -> Result<std::cmp::Ordering, String> {
    let ordered = match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.partial_cmp(right),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        _ => None,
    };
    ordered.ok_or_else(|| format!("{left:?} and {right:?} cannot be compared"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bare_words_of_when_are_texts() {
        let holds = |text: &str| when(text).expect(text);
        assert!(holds("foo == foo"));
        assert!(!holds("foo == bar"));
        assert!(holds("\"pending\" != \"approved\""));
        assert!(holds("'a b' == \"a b\" && !(1 > 2)"));
        assert!(holds("3 in (1, 2, 3) || false"));
        assert!(holds("tails in (heads, tails)"));
        assert!(holds("10 > 9"));
        assert!(holds("\"10\" < \"9\""));
        assert!(holds("1 + 2 * 3 == 7"));
        assert!(holds("\"abc\" =~ \"^a.c$\""));
        assert!(holds("true ? true : false"));
        assert!(!holds("5 == \"5\""));
    }

    #[test]
    fn what_is_no_condition_is_an_error() {
        for text in ["", "foo", " == yes", "1 +", "(true", "a b", "\"a", "1 < foo", "a-b == c", "#"]
        {
            assert!(when(text).is_err(), "{text}");
        }
        let deep = "(".repeat(100_000);
        assert!(when(&deep).is_err());
        let deep = "!".repeat(100_000);
        assert!(when(&deep).is_err());
    }

    #[test]
    fn a_retry_expression_reads_the_last_try() {
        let holds = |text: &str| {
            let lookup = |name: &str| {
                let value = match name {
                    "lastRetry.exitCode" => "75",
                    "lastRetry.status" => "Failed",
                    "lastRetry.message" => "main: Error (exit code 75)",
                    "lastRetry.duration" => "12.5",
                    _ => return None,
                };
                Some(Value::Text(value.to_owned()))
            };
            parse(text, Dialect::Retry).and_then(|parsed| parsed.is_true(&lookup))
        };
        assert_eq!(holds("asInt(lastRetry.exitCode) == 75"), Ok(true));
        assert_eq!(
            holds("asInt(lastRetry.exitCode) in [1, 2] or asFloat(lastRetry.duration) < 13"),
            Ok(true)
        );
        assert_eq!(holds("lastRetry.status == 'Error' && true"), Ok(false));
        assert_eq!(holds("not (lastRetry.message contains 'code 75')"), Ok(false));
        assert_eq!(holds("lastRetry.message matches 'code [0-9]+'"), Ok(true));
        assert!(holds("nextRetry.status == 'x'").is_err());
        assert!(holds("sprig(1) == 2").is_err());
        assert!(holds("asInt(lastRetry.message) == 2").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,60}") {
            let _answer = when(&text);
            let _answer = parse(&text, Dialect::Retry);
        }
    }
}
