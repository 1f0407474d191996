//! Which rules exist, and in which order do they run?
//!
//! Filters of aliases are read while the mapping still has its types. These are unwrapped before any
//! rule reads a field, and rules that remove parameters come after the rules that replace field
//! types.

use crate::rule::Rule;

mod active_shards;
mod alias_filters;
mod allocation;
mod analysis_limits;
mod analysis_names;
mod blocks;
mod cartesian;
mod codec;
mod constant_keyword;
mod date_formats;
mod default_field;
mod dense_vector;
mod dynamic_templates;
mod elastic_parameters;
mod elastic_settings;
mod elasticsearch8_parameters;
mod flattened;
mod followers;
mod html_strip_analyzer;
mod ignore_above;
mod include_in_all;
mod knn;
mod known_settings;
mod legacy_pattern;
mod lifecycle;
mod mapping_limits;
mod mapping_types;
mod private_settings;
mod removed_meta_fields;
mod removed_settings;
mod routing_shards;
mod runtime_fields;
mod similarities;
mod soft_deletes;
mod source_mode;
mod sparse_vector;
mod state_management;
mod store_type;
mod string_fields;
mod subobjects;
mod template_fields;
mod translog_retention;
mod unsupported_types;
mod version_fields;
mod wildcard;

/// All rules, in the order in which they run.
pub(crate) const RULES: &[Rule] = &[
    private_settings::RULE,
    removed_settings::RULE,
    followers::RULE,
    blocks::RULE,
    allocation::RULE,
    active_shards::RULE,
    routing_shards::RULE,
    soft_deletes::RULE,
    translog_retention::RULE,
    store_type::RULE,
    codec::RULE,
    lifecycle::RULE,
    state_management::RULE,
    default_field::RULE,
    analysis_names::RULE,
    analysis_limits::RULE,
    alias_filters::RULE,
    mapping_types::RULE,
    removed_meta_fields::RULE,
    mapping_limits::RULE,
    ignore_above::RULE,
    elastic_settings::RULE,
    known_settings::RULE,
    source_mode::RULE,
    runtime_fields::RULE,
    dynamic_templates::RULE,
    subobjects::RULE,
    include_in_all::RULE,
    html_strip_analyzer::RULE,
    similarities::RULE,
    string_fields::RULE,
    date_formats::RULE,
    flattened::RULE,
    constant_keyword::RULE,
    wildcard::RULE,
    version_fields::RULE,
    cartesian::RULE,
    dense_vector::RULE,
    sparse_vector::RULE,
    knn::RULE,
    unsupported_types::RULE,
    elastic_parameters::RULE,
    elasticsearch8_parameters::RULE,
    legacy_pattern::RULE,
    template_fields::RULE,
];
