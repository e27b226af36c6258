//! A chain as one HTML file without scripts: when each build ran, what it waited for, how it ended.

use std::fmt::Write as _;

use super::{
    junit::escaped,
    report::{ChainReport, ChainRow, RowState, seconds},
};

const STYLE: &str = "body{font:14px sans-serif;margin:2em;color:#222;background:#fff}\
table{border-collapse:collapse}td,th{padding:2px 12px 2px 0;text-align:left}\
.built{fill:#2e7d32;color:#2e7d32}.reused{fill:#78909c;color:#546e7a}.failed{fill:#c62828;color:#c62828}\
.blocked,.not-tried{fill:#ef6c00;color:#ef6c00}text{font:12px sans-serif;fill:#222}\
path{fill:none;stroke:#90a4ae;stroke-width:1}rect:hover+path{stroke:#000}";

/// Height of a row of the picture.
const ROW: usize = 20;
/// Where bars begin.
const LEFT: f64 = 240.0;
/// Width of the time line.
const WIDTH: f64 = 760.0;

fn class(state: RowState) -> &'static str {
    match state {
        RowState::Built => "built",
        RowState::Reused => "reused",
        RowState::Failed => "failed",
        RowState::Blocked => "blocked",
        RowState::NotTried => "not-tried",
    }
}

/// The page.
pub fn page(report: &ChainReport) -> String {
    let mut order: Vec<usize> = (0..report.builds.len()).collect();
    let began = |n: &usize| report.builds[*n].began.unwrap_or(f64::MAX);
    order.sort_by(|a, b| began(a).total_cmp(&began(b)));
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Chain: {0}</title>\n\
         <style>{STYLE}</style></head><body>\n<h1>{0}</h1>\n",
        escaped(&report.summary())
    );
    picture(&mut out, report, &order);
    out.push_str(
        "<table>\n<tr><th>package<th>chroot<th>state<th>time<th>memory<th>waited for<th>\n",
    );
    for at in order {
        line(&mut out, report, &report.builds[at]);
    }
    out.push_str("</table>\n</body></html>\n");
    out
}

/// A bar a build, and a curve from each to what it waited for.
fn picture(out: &mut String, report: &ChainReport, order: &[usize]) {
    let place = |build: usize| order.iter().position(|n| *n == build).unwrap_or(0);
    let scale = WIDTH / report.seconds.max(0.001);
    // Rows are counted in thousands at most.
    #[allow(clippy::cast_precision_loss)]
    let middle = |row: usize| (row * ROW) as f64 + ROW as f64 / 2.0;
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "<svg width=\"{:.0}\" height=\"{}\" role=\"img\">",
        LEFT + WIDTH + 10.0,
        order.len() * ROW + ROW
    );
    for (row, at) in order.iter().enumerate() {
        let build = &report.builds[*at];
        let start = LEFT + build.began.unwrap_or(report.seconds) * scale;
        let length = if build.began.is_some() {
            (build.seconds * scale).max(2.0)
        } else {
            2.0
        };
        let _ = writeln!(
            out,
            "<text x=\"0\" y=\"{:.0}\">{}</text><rect class=\"{}\" x=\"{start:.1}\" y=\"{:.1}\" \
             width=\"{length:.1}\" height=\"12\"><title>{} {}</title></rect>",
            middle(row) + 4.0,
            escaped(&format!("{} {}", build.package, build.chroot)),
            class(build.state),
            middle(row) - 6.0,
            escaped(&build.nvr),
            seconds(build.seconds),
        );
        for need in &build.needs {
            let other = &report.builds[*need];
            let end = LEFT + other.began.map_or(0.0, |began| began + other.seconds) * scale;
            let (from, to) = (middle(place(*need)), middle(row));
            let _ = writeln!(
                out,
                "<path d=\"M{end:.1} {from:.1} C{:.1} {from:.1} {:.1} {to:.1} {start:.1} {to:.1}\"/>",
                end + 20.0,
                start - 20.0
            );
        }
    }
    out.push_str("</svg>\n");
}

fn line(out: &mut String, report: &ChainReport, row: &ChainRow) {
    let needs: Vec<&str> = row
        .needs
        .iter()
        .map(|n| report.builds[*n].package.as_str())
        .collect();
    let _ = writeln!(
        out,
        "<tr><td>{}<td>{}<td class=\"{}\">{}<td>{}<td>{} MiB<td>{}<td>{}",
        escaped(&row.nvr),
        escaped(&row.chroot),
        class(row.state),
        row.state.word(),
        seconds(row.seconds),
        row.memory >> 20,
        escaped(&needs.join(", ")),
        escaped(row.reason.as_deref().unwrap_or_default()),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::report::{REPORT_FORMAT, tests::row};

    #[test]
    fn a_page_is_one_file_and_names_are_no_markup() {
        let mut second = row("<b>", RowState::Failed, Some("a & b"));
        second.needs = vec![0];
        let report = ChainReport {
            format: REPORT_FORMAT,
            seconds: 4.0,
            builds: vec![row("a", RowState::Built, None), second],
        };
        let text = page(&report);
        for wanted in [
            "&lt;b&gt;-1-1",
            "a &amp; b",
            "<path d=",
            "1 built, 1 failed in 4.0 s",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        for strange in ["<script", "http", "<b>"] {
            assert!(!text.contains(strange), "{strange}");
        }
    }
}
