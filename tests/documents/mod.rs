//! README.md and docs: each sample is what the program prints, each command line
//! is one that it takes, and each file and link that is named is there.

mod blocks;
mod links;
mod options;
mod readme;
mod samples;
