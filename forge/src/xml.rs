//! Writes the XML property list as Apple's portal does: tabs, data on one line, blank lines where the portal's template
//! leaves them.

use plist::Value;

use super::certificate::base64;

/// A key and the XML of its value, indented by one tab.
pub type Entry = (String, String);

/// The document around the entries of the top dictionary, written as they come: a key may stand twice.
pub fn document(entries: &[Entry]) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n",
    );
    for (key, xml) in entries {
        let inner = key == "DER-Encoded-Profile";
        if inner {
            out.push('\n');
        }
        out.push_str(&format!("\t<key>{}</key>\n{xml}", escaped(key)));
        if inner {
            out.push_str("\t\t\t\t\t\t\t\t\t\t\t\t\n");
        }
    }
    out.push_str("</dict>\n</plist>\n");
    out
}

/// The XML of a value at a depth of tabs, ending in a newline.
pub fn value(value: &Value, depth: usize) -> String {
    let tabs = "\t".repeat(depth);
    match value {
        Value::Boolean(true) => format!("{tabs}<true/>\n"),
        Value::Boolean(false) => format!("{tabs}<false/>\n"),
        Value::Real(number) => format!("{tabs}<real>{number}</real>\n"),
        Value::Integer(number) => format!("{tabs}<integer>{number}</integer>\n"),
        Value::String(text) => format!("{tabs}<string>{}</string>\n", escaped(text)),
        Value::Date(date) => format!("{tabs}<date>{}</date>\n", date.to_xml_format()),
        Value::Data(bytes) => format!("{tabs}<data>{}</data>\n", base64(bytes)),
        Value::Array(values) => {
            let inside: String = values
                .iter()
                .map(|element| self::value(element, depth + 1))
                .collect();
            format!("{tabs}<array>\n{inside}{tabs}</array>\n")
        }
        Value::Dictionary(values) => {
            let mut out = format!("{tabs}<dict>\n");
            for (key, element) in values {
                out.push_str(&format!("{tabs}\t<key>{}</key>\n", escaped(key)));
                out.push_str(&self::value(element, depth + 1));
            }
            out + &format!("{tabs}</dict>\n")
        }
        other => panic!("profiles hold no {other:?}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
