//! Runs the program on a script and reads back what it says.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::made_up_host::made_up_host;

/// What a run said, in each of its forms.
pub struct Outcome {
    pub status: i32,
    pub report: Value,
    pub text: String,
    pub stderr: String,
}

/// Runs the script of this name on the host tree of this name.
pub fn run(script: &str, host: &str, arguments: &[&str]) -> Outcome {
    on(made_up_host(host, &[script]).path(), arguments)
}

/// Runs on this host.
pub fn on(host: &Path, arguments: &[&str]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let output = Command::new(env!("CARGO_BIN_EXE_hwgap"))
        .args(["run", "--host-root"])
        .arg(host)
        .arg("--output")
        .arg(&report)
        .args(arguments)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let report = std::fs::read(&report)
        .unwrap_or_else(|error| panic!("no report ({error}); the program said: {stderr}"));
    Outcome {
        status: output.status.code().unwrap(),
        report: serde_json::from_slice(&report).unwrap(),
        text: String::from_utf8(output.stdout).unwrap(),
        stderr,
    }
}

impl Outcome {
    /// The row of the one CPU that was sampled.
    pub fn only_cpu(&self) -> &Value {
        let cpus = self.report["cpus"].as_array().unwrap();
        assert_eq!(cpus.len(), 1);
        &cpus[0]
    }

    /// CPU, cause and confidence of each gap, in the order of the report.
    pub fn gaps(&self) -> Vec<(u64, &str, &str)> {
        let gaps = self.report["gaps"].as_array().unwrap();
        gaps.iter()
            .map(|gap| {
                (
                    gap["cpu"].as_u64().unwrap(),
                    gap["cause"].as_str().unwrap(),
                    gap["confidence"].as_str().unwrap(),
                )
            })
            .collect()
    }

    /// The names of the findings.
    pub fn findings(&self) -> Vec<&str> {
        let findings = self.report["findings"].as_array().unwrap();
        findings
            .iter()
            .map(|finding| finding["id"].as_str().unwrap())
            .collect()
    }

    /// The text of the finding with this name.
    pub fn finding(&self, id: &str) -> &str {
        let findings = self.report["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["id"] == id);
        found.unwrap_or_else(|| panic!("no finding {id} among {:?}", self.findings()))["text"]
            .as_str()
            .unwrap()
    }

    /// Result and exit status belong together.
    pub fn verdict(&self) -> &str {
        let result = self.report["verdict"]["result"].as_str().unwrap();
        let status = match result {
            "pass" => 0,
            "fail" => 1,
            "inconclusive" => 3,
            other => panic!("a result called {other}"),
        };
        assert_eq!(self.status, status, "{result}: {}", self.stderr);
        result
    }
}

/// A count of the report.
pub fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no count"))
}
