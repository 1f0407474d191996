//! An engine in a process of its own, for the tests to kill: `engine-process <state> <uid>`.

use std::{env, future::pending};

use engine::{Clock, Options, Programs, Store};

fn main() {
    let mut arguments = env::args_os().skip(1);
    let state = arguments.next().expect("a state directory");
    let uid = arguments.next().expect("a uid").into_string().expect("UTF-8");
    let store = Store::open(state, Clock::new(jiff::Timestamp::now)).expect("a store");
    let programs = Programs::in_folder("/nowhere").with_own_command("sh");
    let path = [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into();
    let options = Options { child_env: path, ..Options::new(programs) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(engine::run(&store, &uid, options, pending())).expect("an engine");
}
