//! Changes of a host are noted, made, and put back, on a made-up tree whose
//! files fail on demand. Nothing here touches the running machine.

mod faults;
mod host;
mod journal;
mod round_trip;
