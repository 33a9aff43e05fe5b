//! Loads the guest.
fn main() {}
