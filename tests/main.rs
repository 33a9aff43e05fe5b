//! All integration tests that do not sample this machine, in one program, so that
//! a change links once. A folder or file a subject; `cargo test SUBJECT` runs one.

mod changes;
mod compare_cli;
mod compare_statistics;
mod documents;
mod exercise;
mod explain;
mod fleet;
mod folders;
mod fuzz;
mod generated_files;
mod guests;
mod host_fixtures;
mod inert_pages;
mod made_up_host;
mod policy;
mod preflight;
mod quiet_host;
mod report_cli;
mod report_files;
mod report_formats;
mod report_pages;
mod report_samples;
mod report_text;
mod report_trace;
mod run_scripted;
mod schemas;
mod synthetic;
mod watches;
