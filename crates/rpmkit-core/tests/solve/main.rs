//! Small repositories written as text, with what dnf 4.14 chooses from them.
//!
//! The expected sets in `*.txt` were made by dnf itself from the same repositories, so that a
//! difference means we would install something else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod text;

use text::Scenario;

fn check(name: &str, text: &str) {
    let scenario = Scenario::read(name, text);
    let mut wrong = Vec::new();
    for case in &scenario.cases {
        if let Err(report) = scenario.check(case) {
            wrong.push(format!("{name}: {}: {report}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

macro_rules! scenarios {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            check(stringify!($name), include_str!(concat!(stringify!($name), ".txt")));
        }
    )*};
}

scenarios! { basic filters modular groups installed }
