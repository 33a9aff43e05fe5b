//! Each known client with its own options and its own parser, on outputs with
//! and without latency. Only the duration is shorter, but for the live runs,
//! which a signal ends.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::clients::{CLIENTS, Client, Conclusion, samples_of};
use super::harness::{Said, command, scripted};

fn read(client: &Client, said: &Said) -> Conclusion {
    let read = (client.read)(said.answer());
    read.unwrap_or_else(|error| {
        panic!("{}: {error}\n{}\n{}", client.name, said.stdout, said.stderr)
    })
}

/// Each client reads a test on this script, in both forms that name CPUs.
fn each_concludes(script: &str, conclusion: Conclusion, status: i32) {
    for client in &CLIENTS {
        for version in ["2.6", "2.10"] {
            let mut arguments = client.arguments_for("0.1s");
            arguments.push(format!("--format-version={version}"));
            let said = scripted(script, &arguments);
            assert_eq!(read(client, &said), conclusion, "{}", client.name);
            assert_eq!(said.status, status, "{}", said.stderr);
        }
    }
}

#[test]
fn each_client_reads_a_test_without_latency() {
    each_concludes("quiet", Conclusion::Good, 0);
}

#[test]
fn each_client_reads_a_test_with_latency() {
    each_concludes("drop-in-latency", Conclusion::Bad, 1);
}

/// The whole command line of each, the duration too, on this machine.
#[test]
fn each_client_reads_a_live_test() {
    for client in &CLIENTS {
        let mut child = command(client.arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        while !text.ends_with("Starting test\n") {
            let read = stdout.read_line(&mut text).unwrap();
            if read == 0 {
                let said = Said::from(child.wait_with_output().unwrap());
                panic!("{}: {text}{}", client.name, said.stderr);
            }
        }
        // The signal is waited for from here on, and the first samples come.
        std::thread::sleep(Duration::from_millis(400));
        kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
        std::io::Read::read_to_string(&mut stdout, &mut text).unwrap();
        let mut said = Said::from(child.wait_with_output().unwrap());
        said.stdout = text;
        assert!(said.stdout.contains("\ninterrupted\n"), "{}", said.stdout);
        // Without a usable footprint this machine allows no verdict.
        if said.status == 3 {
            assert!(said.stderr.contains("no verdict"), "{}", said.stderr);
            continue;
        }
        let conclusion = read(client, &said);
        let above = said.value("Samples exceeding threshold:") != "0";
        if !client
            .arguments
            .iter()
            .any(|option| option.contains("hardlimit"))
        {
            assert_eq!(conclusion == Conclusion::Bad, above, "{}", client.name);
        }
        assert_eq!(
            samples_of(&said.stdout).count().to_string(),
            said.value("Samples recorded:")
        );
    }
}
