//! The machines that synthetic fleets are made of. None of them exists.

/// A model with its four BIOS versions.
pub(super) struct Model {
    pub vendor: &'static str,
    pub product: &'static str,
    pub cpu: &'static str,
    pub microcode: [&'static str; 2],
    pub bios: [&'static str; 4],
    /// SMIs an hour, on average.
    pub smis_per_hour: f64,
}

/// Twenty BIOS versions in all.
pub(super) const MODELS: [Model; 5] = [
    Model {
        vendor: "Example Computers",
        product: "Rack 100",
        cpu: "Example CPU 4310",
        microcode: ["0xd000390", "0xd0003e7"],
        bios: ["1.10.2", "1.11.0", "1.12.1", "1.14.3"],
        smis_per_hour: 24.0,
    },
    Model {
        vendor: "Example Computers",
        product: "Rack 200",
        cpu: "Example CPU 6338",
        microcode: ["0xd000390", "0xd0003e7"],
        bios: ["2.1.0", "2.2.4", "2.3.1", "2.5.0"],
        smis_per_hour: 30.0,
    },
    Model {
        vendor: "Sample Systems",
        product: "SR-630",
        cpu: "Example CPU 6338",
        microcode: ["0xd0003b9", "0xd0003e7"],
        bios: ["AFE118M", "AFE120E", "AFE124H", "AFE130B"],
        smis_per_hour: 40.0,
    },
    Model {
        vendor: "Sample Systems",
        product: "SR-650",
        cpu: "Example CPU 8480",
        microcode: ["0x2b000461", "0x2b000603"],
        bios: ["ESE110K", "ESE114L", "ESE122W", "ESE126Q"],
        smis_per_hour: 20.0,
    },
    Model {
        vendor: "Specimen",
        product: "Blade 9",
        cpu: "Example CPU 8480",
        microcode: ["0x2b000461", "0x2b000603"],
        bios: ["9.0", "9.1", "9.2", "9.3"],
        smis_per_hour: 28.0,
    },
];

/// Kernels, whatever the machine.
pub(super) const KERNELS: [&str; 4] = [
    "6.1.0-38-rt-amd64",
    "6.12.41-rt-amd64",
    "6.12.48-amd64",
    "6.18.1-rt-amd64",
];
