//! File names that every operating system accepts.

/// Names that Windows takes for devices, whatever ending follows.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Beginnings of device names that one digit follows.
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

/// Returns the name of a file without its ending: the key, with `_` in front where Windows would take
/// it for a device. No key begins with `_`.
///
/// ```
/// use portalctl_model::file_name::stem;
/// assert_eq!(stem("acme"), "acme");
/// assert_eq!(stem("con"), "_con");
/// assert_eq!(stem("com1.eu"), "_com1.eu");
/// ```
pub fn stem(key: &str) -> String {
    if is_device(key) {
        format!("_{key}")
    } else {
        key.to_owned()
    }
}

/// Returns whether Windows takes a file name for a device.
///
/// Source: [Naming files](https://learn.microsoft.com/windows/win32/fileio/naming-a-file).
fn is_device(name: &str) -> bool {
    let name = name.split('.').next().unwrap_or_default();
    let name = name.trim_end_matches(' ').to_ascii_lowercase();
    let is_numbered = |device: &&str| {
        name.strip_prefix(*device).is_some_and(|number| {
            matches!(
                number,
                "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9"
            )
        })
    };
    DEVICES.contains(&name.as_str()) || NUMBERED_DEVICES.iter().any(is_numbered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices_are_told_from_others() {
        for name in ["con", "CON", "nul.x", "aux .yaml", "com0", "lpt9", "prn"] {
            assert!(is_device(name), "{name}");
        }
        for name in ["conn", "com", "com10", "lpt-1", "acme.con", "_con", ""] {
            assert!(!is_device(name), "{name}");
        }
    }
}
