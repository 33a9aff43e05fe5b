//! The kernel's tracers as engines, on whatever kernel this is.

use super::harness::run;

#[test]
fn a_kernel_without_the_tracer_is_told_in_one_line() {
    for engine in ["hwlat", "osnoise"] {
        let said = run(&["--engine", engine, "--duration", "1s", "--quiet"]);
        if said.status != Some(3) {
            eprintln!("skipped: this kernel has the {engine} tracer");
            assert!(matches!(said.status, Some(0 | 1)), "{}", said.stderr);
            continue;
        }
        assert_eq!(said.stderr.trim().lines().count(), 1, "{}", said.stderr);
        assert!(
            said.stderr
                .contains(&format!("the {engine} engine cannot be used"))
        );
        // The option and a kernel that has it, or what keeps the files closed.
        let helps = said.stderr.contains("_TRACER") && said.stderr.contains("package");
        let closed = said.stderr.contains("tracefs") || said.stderr.contains("in use");
        assert!(helps || closed, "{}", said.stderr);
    }
}

#[test]
fn a_list_of_engines_must_make_sense() {
    for (list, expected) in [
        ("auto,user", "stands alone"),
        ("user,user", "twice"),
        ("both,bpf", "twice"),
        ("user,tsc", "possible values"),
    ] {
        let said = run(&["--engine", list, "--duration", "10s"]);
        assert_eq!(said.status, Some(2), "{list}: {}", said.stderr);
        assert!(said.stderr.contains(expected), "{list}: {}", said.stderr);
    }
    let said = run(&["--engine", "user,hwlat", "--duration", "3999ms"]);
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains("4.00 s"), "{}", said.stderr);
}
