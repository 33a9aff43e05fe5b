//! What all benches share: one form of a line, so that `benches/run` prints
//! one table.

/// Prints a figure and, where there is one, the bar that it must not pass.
pub fn row(name: &str, value: f64, unit: &str, bar: Option<f64>) {
    let (bar, verdict) = match bar {
        Some(bar) if value <= bar => (format!("<= {bar}"), "ok"),
        Some(bar) => (format!("<= {bar}"), "OVER"),
        None => (String::new(), ""),
    };
    let line = format!("{name:<50} {value:>9.3} {unit:<6} {bar:>8} {verdict}");
    println!("{}", line.trim_end());
}

/// The middle value; 0 of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Whether a bench is to be short: `cargo bench -- --quick`.
pub fn is_quick() -> bool {
    std::env::args().any(|argument| argument == "--quick")
}
