//! Packages of the right names and nothing in them, for a pip that reaches no index.

use std::fs;
use std::io::Write;
use std::path::Path;

/// What is installed, with versions that are allowed.
const NEEDED: [(&str, &str); 6] = [
    ("arrow", "0.17.0"),
    ("clique", "1.6.1"),
    ("platformdirs", "4.2.0"),
    ("pyparsing", "2.4.7"),
    ("requests", "2.32.0"),
    ("websocket_client", "0.59.0"),
];

/// Writes a wheel for each package into a folder. The client asks for one more, which is in no index.
pub(crate) fn write(folder: &Path, client: &str) {
    fs::create_dir_all(folder).unwrap();
    let code = format!("__version__ = \"{client}\"\n");
    let more = "Requires-Dist: sphinx-notfound-page\n";
    write_wheel(
        folder,
        ("ftrack_python_api", client),
        "ftrack_api",
        &code,
        more,
    );
    for package in NEEDED {
        write_wheel(folder, package, package.0, "", "");
    }
}

fn write_wheel(folder: &Path, (name, version): (&str, &str), module: &str, code: &str, more: &str) {
    let about = format!("{name}-{version}.dist-info");
    let files = [
        (format!("{module}/__init__.py"), code.to_owned()),
        (
            format!("{about}/METADATA"),
            format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}"),
        ),
        (
            format!("{about}/WHEEL"),
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
                .into(),
        ),
    ];
    let record: String = files
        .iter()
        .map(|(name, _)| format!("{name},,\n"))
        .collect();
    let record = (
        format!("{about}/RECORD"),
        format!("{record}{about}/RECORD,,\n"),
    );
    let path = folder.join(format!("{name}-{version}-py3-none-any.whl"));
    let entries: Vec<&(String, String)> = files.iter().chain([&record]).collect();
    fs::File::create(path)
        .unwrap()
        .write_all(&zip(&entries))
        .unwrap();
}

/// Returns a zip archive of the files, none of them compressed.
fn zip(files: &[&(String, String)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let at = u32::try_from(bytes.len()).unwrap();
        let length = u32::try_from(text.len()).unwrap();
        let mut header = Vec::new();
        // Version, flags, method, time, date.
        for field in [20u16, 0, 0, 0, 0x21] {
            header.extend(field.to_le_bytes());
        }
        for field in [crc32(text.as_bytes()), length, length] {
            header.extend(field.to_le_bytes());
        }
        header.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        header.extend(0u16.to_le_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&header);
        bytes.extend(name.as_bytes());
        bytes.extend(text.as_bytes());
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&header);
        // Comment, disk, and attributes, before where the file begins.
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let at = u32::try_from(bytes.len()).unwrap();
    let count = u16::try_from(files.len()).unwrap();
    let length = u32::try_from(directory.len()).unwrap();
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\x00\x00\x00\x00");
    for field in [count, count] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(length.to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (0u32.wrapping_sub(crc & 1)))
        })
    })
}
