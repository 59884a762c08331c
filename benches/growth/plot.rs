//! The plot, as SVG: two panels over the number of organizations, in steps of ten.

use crate::run::Run;
use crate::{ALLOWED, REFERENCE, thousands};

/// A panel's place and size.
const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 220.0;
const TOP: f64 = 48.0;
const LEFT: [f64; 2] = [64.0, 484.0];

/// The first and the last number of organizations, as powers of ten.
const FIRST: f64 = 3.0;
const LAST: f64 = 6.0;

/// Upper bound of memory, in GiB.
const MOST_MEMORY: f64 = 8.0;

/// One panel.
struct Panel<'a> {
    left: f64,
    title: &'a str,
    /// Of the vertical axis, from below.
    ticks: Vec<f64>,
    value: fn(&Run) -> f64,
    /// Upper bound of the values.
    bound: f64,
    bound_is: String,
}

/// Draws the plot.
pub(crate) fn svg(runs: &[Run]) -> String {
    let reference = runs.iter().find(|run| run.organizations == REFERENCE);
    let bound = reference.map_or(0.0, Run::for_each) * ALLOWED;
    let panels = [
        Panel {
            left: LEFT[0],
            title: "Validate and diff, µs for each organization",
            ticks: steps(bound.max(most(runs, Run::for_each)) * 1.2),
            value: Run::for_each,
            bound,
            bound_is: format!("{ALLOWED} × of that at {}", thousands(REFERENCE)),
        },
        Panel {
            left: LEFT[1],
            title: "Memory at most, GiB",
            ticks: steps(MOST_MEMORY * 1.2),
            value: memory,
            bound: MOST_MEMORY,
            bound_is: format!("{MOST_MEMORY} GiB"),
        },
    ];
    let drawn: String = panels.iter().map(|panel| panel.draw(runs)).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 330\" width=\"860\" \
         height=\"330\" font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#24292f\">\n\
         <title>How validating and diffing grows with the manifest</title>\n\
         <rect width=\"860\" height=\"330\" fill=\"#ffffff\"/>\n{drawn}</svg>\n"
    )
}

fn memory(run: &Run) -> f64 {
    run.memory as f64 / 1024.0
}

fn most(runs: &[Run], value: fn(&Run) -> f64) -> f64 {
    runs.iter().map(value).fold(0.0, f64::max)
}

/// Round numbers from 0 to a largest one.
fn steps(largest: f64) -> Vec<f64> {
    let unit = 10_f64.powf(largest.log10().floor());
    let step = [0.2, 0.5, 1.0, 2.0]
        .map(|part| part * unit)
        .into_iter()
        .find(|step| largest / step <= 6.0)
        .unwrap_or(unit);
    (0_u32..=6)
        .map(|number| f64::from(number) * step)
        .take_while(|tick| *tick <= largest)
        .collect()
}

impl Panel<'_> {
    fn draw(&self, runs: &[Run]) -> String {
        let mut svg = format!(
            "<text x=\"{}\" y=\"{}\" font-size=\"14\" font-weight=\"600\">{}</text>\n",
            self.left,
            TOP - 22.0,
            self.title
        );
        svg += &self.axes();
        svg += &self.bound();
        let points: Vec<(f64, f64)> = runs
            .iter()
            .map(|run| (self.x(run.organizations as f64), self.y((self.value)(run))))
            .collect();
        let path: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        svg += &format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#0969da\" stroke-width=\"2\"/>\n",
            path.join(" ")
        );
        for (x, y) in &points {
            svg += &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"#0969da\"/>\n");
        }
        if let (Some(last), Some((x, y))) = (runs.last(), points.last()) {
            svg += &label(
                *x - 6.0,
                *y - 9.0,
                "end",
                &format!("{:.1}", (self.value)(last)),
            );
        }
        svg
    }

    fn axes(&self) -> String {
        let (right, bottom) = (self.left + WIDTH, TOP + HEIGHT);
        let mut svg = String::new();
        for tick in &self.ticks {
            let y = self.y(*tick);
            svg += &line(self.left, y, right, "#d8dee4", "");
            svg += &label(self.left - 8.0, y + 4.0, "end", &format!("{tick}"));
        }
        for organizations in [1_000, 10_000, 100_000, 1_000_000] {
            let x = self.x(organizations as f64);
            svg += &format!("<path d=\"M{x:.1} {bottom}v5\" stroke=\"#57606a\" fill=\"none\"/>\n");
            svg += &label(x, bottom + 20.0, "middle", &thousands(organizations));
        }
        let middle = self.left + WIDTH / 2.0;
        svg + &label(middle, bottom + 42.0, "middle", "organizations declared")
    }

    fn bound(&self) -> String {
        let y = self.y(self.bound);
        let dashes = " stroke-dasharray=\"6 4\"";
        line(self.left, y, self.left + WIDTH, "#cf222e", dashes)
            + &format!(
                "<text x=\"{}\" y=\"{:.1}\" fill=\"#cf222e\" stroke=\"#ffffff\" stroke-width=\"4\" \
                 paint-order=\"stroke\">wanted: at most {}</text>\n",
                self.left + 8.0,
                y - 6.0,
                self.bound_is
            )
    }

    /// Logarithmic.
    fn x(&self, organizations: f64) -> f64 {
        self.left + (organizations.log10() - FIRST) / (LAST - FIRST) * WIDTH
    }

    /// Linear, from 0.
    fn y(&self, value: f64) -> f64 {
        let largest = self.ticks.last().copied().unwrap_or(1.0).max(self.bound);
        TOP + HEIGHT - value / largest * HEIGHT
    }
}

fn line(left: f64, y: f64, right: f64, colour: &str, more: &str) -> String {
    format!("<path d=\"M{left} {y:.1}H{right}\" stroke=\"{colour}\" fill=\"none\"{more}/>\n")
}

fn label(x: f64, y: f64, anchor: &str, text: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>\n")
}
