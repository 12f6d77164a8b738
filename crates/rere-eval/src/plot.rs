//! Pictures of scores, as SVG and PNG.

use epaint_default_fonts::UBUNTU_LIGHT;
use plotters::{
    coord::Shift,
    element::ErrorBar,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree},
};

use crate::{Calibration, CurvePoint, ScoreIntervals};

/// A picture that cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// The drawing library failed. No picture is known for which it does.
    #[error("the picture cannot be drawn: {0}")]
    Draw(String),
    /// The text is not an SVG.
    #[error("the SVG cannot be read: {0}")]
    Svg(String),
    /// The picture has too many pixels, or none.
    #[error(
        "a picture of {width} by {height} pixels cannot be written: expected 1 to {max} pixels, draw a smaller SVG",
        max = MAX_PIXELS
    )]
    Size {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
    },
    /// The PNG cannot be written.
    #[error("the PNG cannot be written: {0}")]
    Png(String),
}

impl PlotError {
    fn draw(error: impl std::fmt::Display) -> Self {
        Self::Draw(error.to_string())
    }
}

/// Most pixels of a PNG: 512 MiB in memory.
const MAX_PIXELS: u64 = 1 << 27;

/// Colours that people with the common kinds of colour blindness can distinguish (Okabe and Ito, "Color Universal
/// Design", 2008).
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
];

const WIDTH: u32 = 680;
const FONT: &str = "sans-serif";

fn colour(system: usize) -> RGBColor {
    COLOURS[system % COLOURS.len()]
}

/// Draws the precision-recall curves of systems, by name, as SVG.
///
/// Curves are steps, as [`average_precision`](crate::average_precision) sums them, with a dot at the best F1. Grey
/// lines are those of equal F1. The lines of later systems are thinner and dashed, so that equal curves are all seen.
///
/// ```
/// use rere_eval::{plot_precision_recall, precision_recall_curve};
///
/// let curve = precision_recall_curve([(0.9, true), (0.5, false), (0.4, true)], 3);
/// let svg = plot_precision_recall(&[("model-a", &curve)])?;
/// assert!(svg.starts_with("<svg") && svg.contains("model-a"));
/// # Ok::<(), rere_eval::PlotError>(())
/// ```
///
/// # Errors
/// Returns an error if the drawing library fails; no such case is known.
pub fn plot_precision_recall(systems: &[(&str, &[CurvePoint])]) -> Result<String, PlotError> {
    draw(520, |area| {
        let mut chart = unit_square(area, "Precision and recall", "recall", "precision")?;
        for f1 in [0.2, 0.4, 0.6, 0.8] {
            // P = F R / (2 R - F), from P = 1 to R = 1.
            let from = f1 / (2.0 - f1);
            let points = (0..=100).map(|step| {
                let recall = from + (1.0 - from) * f64::from(step) / 100.0;
                (recall, f1 * recall / (2.0 * recall - f1))
            });
            let pale = RGBColor(200, 200, 200);
            chart.draw_series(LineSeries::new(points, pale)).map_err(PlotError::draw)?;
            let style = TextStyle::from((FONT, 11).into_font()).color(&RGBColor(140, 140, 140));
            let style = style.pos(Pos::new(HPos::Right, VPos::Bottom));
            let label = Text::new(format!("F1 {:.0}", 100.0 * f1), (1.0, f1 / (2.0 - f1)), style);
            chart.draw_series([label]).map_err(PlotError::draw)?;
        }
        for (number, (name, curve)) in systems.iter().enumerate() {
            let mut steps = vec![(0.0, curve.first().map_or(0.0, |point| point.score.precision))];
            for point in *curve {
                let before = steps.last().map_or(0.0, |&(recall, _)| recall);
                steps.extend([(before, point.score.precision), (point.score.recall, point.score.precision)]);
            }
            line(&mut chart, steps, number, systems.len(), name)?;
            let best = curve.iter().max_by(|a, b| a.score.f1.total_cmp(&b.score.f1));
            let best =
                best.map(|point| Circle::new((point.score.recall, point.score.precision), 4, colour(number).filled()));
            chart.draw_series(best).map_err(PlotError::draw)?;
        }
        if !systems.is_empty() {
            let dot = std::iter::empty::<Circle<(f64, f64), i32>>();
            let dot = chart.draw_series(dot).map_err(PlotError::draw)?.label("dot: best F1");
            dot.legend(|(x, y)| Circle::new((x + 9, y), 4, RGBColor(90, 90, 90).filled()));
        }
        // The lower left corner is usually free, because good curves run near the upper right one.
        let is_low = |point: &CurvePoint| point.score.recall < 0.5 && point.score.precision < 0.2;
        let low = systems.iter().any(|(_, curve)| curve.iter().any(is_low));
        legend(&mut chart, if low { SeriesLabelPosition::UpperRight } else { SeriesLabelPosition::LowerLeft })
    })
}

/// Draws the calibration of systems, by name, as SVG.
///
/// On the diagonal, a score is the probability that a triple is correct. A dot is larger the more triples have such scores.
///
/// ```
/// use rere_eval::{calibration, plot_calibration};
///
/// let calibration = calibration([(0.9, true), (0.8, false), (0.1, false)], 10);
/// assert!(plot_calibration(&[("model-a", &calibration)])?.contains("model-a"));
/// # Ok::<(), rere_eval::PlotError>(())
/// ```
///
/// # Errors
/// Returns an error if the drawing library fails; no such case is known.
pub fn plot_calibration(systems: &[(&str, &Calibration)]) -> Result<String, PlotError> {
    draw(520, |area| {
        let mut chart = unit_square(area, "Calibration", "mean score", "share correct")?;
        let pale = RGBColor(180, 180, 180);
        chart.draw_series(LineSeries::new([(0.0, 0.0), (1.0, 1.0)], pale)).map_err(PlotError::draw)?;
        for (number, (name, calibration)) in systems.iter().enumerate() {
            let points = || calibration.bins.iter().map(|bin| (bin.mean_score, bin.precision));
            let triples: usize = calibration.bins.iter().map(|bin| bin.count).sum();
            let name = format!("{name}, {triples} triples, expected error {:.3}", calibration.expected_error);
            line(&mut chart, points().collect(), number, systems.len(), &name)?;
            // The area of a dot is that of its share.
            let radius = |count: usize| 2 + (10.0 * (count as f64 / triples.max(1) as f64).sqrt()).round() as i32;
            let dots = calibration.bins.iter().map(|bin| {
                Circle::new((bin.mean_score, bin.precision), radius(bin.count), colour(number).mix(0.7).filled())
            });
            chart.draw_series(dots).map_err(PlotError::draw)?;
            if systems.len() == 1 {
                let style = TextStyle::from((FONT, 10).into_font()).color(&RGBColor(90, 90, 90));
                let style = style.pos(Pos::new(HPos::Left, VPos::Top));
                for bin in &calibration.bins {
                    let (x, y) = chart.backend_coord(&(bin.mean_score, bin.precision));
                    let at = (x + radius(bin.count) + 2, y + 2);
                    area.draw_text(&bin.count.to_string(), &style, at).map_err(PlotError::draw)?;
                }
            }
        }
        legend(&mut chart, SeriesLabelPosition::UpperLeft)
    })
}

/// Draws F1 of a system on the relations or other parts of a corpus, by name, as SVG.
///
/// `system` is its name. The parts come from top to bottom, with their confidence intervals and counts.
///
/// ```
/// use rere_eval::{Counts, bootstrap, plot_f1};
///
/// let counts = [Counts { true_positives: 1, predicted: 2, gold: 1 }; 20];
/// let svg = plot_f1("model-a", &[("born in", bootstrap(&counts, 1000, 7, 0.95)?)])?;
/// assert!(svg.contains("model-a") && svg.contains("born in") && svg.contains("20/40/20"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Returns an error if the drawing library fails; no such case is known.
pub fn plot_f1(system: &str, parts: &[(&str, ScoreIntervals)]) -> Result<String, PlotError> {
    const ROW: u32 = 26;
    /// Width of the counts, right of the bars.
    const COUNTS: u32 = 110;
    draw(90 + ROW * u32::try_from(parts.len()).map_err(PlotError::draw)?, |area| {
        let longest = parts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let names = (7 * u32::try_from(longest).map_err(PlotError::draw)? + 16).clamp(60, WIDTH / 2);
        let rows = parts.len() as f64;
        let mut chart = ChartBuilder::on(area)
            .caption(format!("F1 of {system}, with 95 % intervals"), (FONT, 16))
            .margin(10)
            .margin_right(COUNTS)
            .x_label_area_size(34)
            .y_label_area_size(names)
            .build_cartesian_2d(0.0..1.0, rows..0.0)
            .map_err(PlotError::draw)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .y_labels(0)
            .x_labels(11)
            .x_desc("F1; right: true positives / predicted / gold")
            .light_line_style(TRANSPARENT)
            .draw()
            .map_err(PlotError::draw)?;
        for (row, (name, intervals)) in parts.iter().enumerate() {
            let (top, f1) = (row as f64, intervals.score.f1);
            let bar = Rectangle::new([(0.0, top + 0.2), (f1, top + 0.8)], colour(0).mix(0.6).filled());
            chart.draw_series([bar]).map_err(PlotError::draw)?;
            let error = ErrorBar::new_horizontal(top + 0.5, intervals.f1.low, f1, intervals.f1.high, BLACK.filled(), 6);
            chart.draw_series([error]).map_err(PlotError::draw)?;
            let text = |size: i32| TextStyle::from((FONT, size).into_font()).pos(Pos::new(HPos::Right, VPos::Center));
            let at = chart.backend_coord(&(0.0, top + 0.5));
            area.draw_text(name, &text(12), (at.0 - 6, at.1)).map_err(PlotError::draw)?;
            let counts = intervals.score.counts;
            let at = chart.backend_coord(&(1.0, top + 0.5));
            let style = TextStyle::from((FONT, 10).into_font()).pos(Pos::new(HPos::Left, VPos::Center));
            let counts = format!("{}/{}/{}", counts.true_positives, counts.predicted, counts.gold);
            area.draw_text(&counts, &style, (at.0 + 6, at.1)).map_err(PlotError::draw)?;
        }
        Ok(())
    })
}

/// Converts a picture of this crate to PNG, at twice its size so that it is sharp in print.
///
/// A built-in font makes the picture the same on each machine. Letters that it lacks, such as Chinese ones, come from
/// the fonts of the machine, and are boxes if it has none.
///
/// ```
/// use rere_eval::{plot_precision_recall, precision_recall_curve, to_png};
///
/// let curve = precision_recall_curve([(0.9, true), (0.5, false)], 2);
/// let png = to_png(&plot_precision_recall(&[("model-a", &curve)])?)?;
/// assert!(png.starts_with(b"\x89PNG"));
/// # Ok::<(), rere_eval::PlotError>(())
/// ```
///
/// # Errors
/// Returns an error if `svg` is not an SVG, or too large: pictures of [`plot_f1`] with about two thousand parts fit.
pub fn to_png(svg: &str) -> Result<Vec<u8>, PlotError> {
    const SCALE: u16 = 2;
    let mut options = Options::default();
    let fonts = options.fontdb_mut();
    fonts.load_font_data(UBUNTU_LIGHT.to_vec());
    let family = fonts.faces().next().and_then(|face| face.families.first()).map(|(name, _)| name.clone());
    // Loading the fonts of the machine also sets its sans-serif family, which the built-in font replaces.
    fonts.load_system_fonts();
    fonts.set_sans_serif_family(family.unwrap_or_default());
    let tree = Tree::from_str(svg, &options).map_err(|error| PlotError::Svg(error.to_string()))?;
    let size = tree.size().to_int_size();
    let [width, height] = [size.width(), size.height()].map(|pixels| pixels.saturating_mul(SCALE.into()));
    let size_error = PlotError::Size { width, height };
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(size_error);
    }
    let mut picture = Pixmap::new(width, height).ok_or(size_error)?;
    let scale = Transform::from_scale(SCALE.into(), SCALE.into());
    resvg::render(&tree, scale, &mut picture.as_mut());
    picture.encode_png().map_err(|error| PlotError::Png(error.to_string()))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;

/// Draws on a white background.
fn draw(height: u32, picture: impl FnOnce(&Area<'_>) -> Result<(), PlotError>) -> Result<String, PlotError> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE).map_err(PlotError::draw)?;
        picture(&area)?;
        area.present().map_err(PlotError::draw)?;
    }
    Ok(svg)
}

/// Draws two axes from 0 to 1.
fn unit_square<'a, 'b>(area: &'a Area<'b>, title: &str, x: &str, y: &str) -> Result<Chart<'a, 'b>, PlotError> {
    let mut chart = ChartBuilder::on(area)
        .caption(title, (FONT, 16))
        .margin(12)
        .x_label_area_size(38)
        .y_label_area_size(46)
        .build_cartesian_2d(0.0..1.0, 0.0..1.0)
        .map_err(PlotError::draw)?;
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(235, 235, 235))
        .draw()
        .map_err(PlotError::draw)?;
    Ok(chart)
}

/// Draws the line of one of several systems. Later ones are thinner and dashed, so that equal lines are all seen.
fn line<'a, 'b: 'a>(
    chart: &mut Chart<'a, 'b>,
    points: Vec<(f64, f64)>,
    number: usize,
    systems: usize,
    name: &str,
) -> Result<(), PlotError> {
    let width = 2 + u32::try_from(systems - number - 1).unwrap_or(0).min(3);
    let style = colour(number).stroke_width(width);
    let series = if number == 0 {
        chart.draw_series(LineSeries::new(points, style))
    } else {
        let (dash, gap) = [(10, 6), (4, 6), (16, 10), (2, 8)][(number - 1) % 4];
        chart.draw_series(DashedLineSeries::new(points, dash, gap, style))
    };
    let series = series.map_err(PlotError::draw)?.label(name);
    if number == 0 {
        series.legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    } else {
        // Two dashes: a legend takes one element.
        series.legend(move |(x, y)| {
            EmptyElement::at((x, y))
                + PathElement::new([(0, 0), (7, 0)], style)
                + PathElement::new([(11, 0), (18, 0)], style)
        });
    }
    Ok(())
}

fn legend<'a, 'b: 'a>(chart: &mut Chart<'a, 'b>, position: SeriesLabelPosition) -> Result<(), PlotError> {
    chart
        .configure_series_labels()
        .position(position)
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(220, 220, 220))
        .label_font((FONT, 12))
        .draw()
        .map_err(PlotError::draw)
}

#[cfg(test)]
mod tests {
    use super::{PlotError, to_png};

    #[test]
    fn letters_are_drawn_and_bad_pictures_are_refused() {
        let picture = |text: &str| {
            let text = format!(r#"<text x="5" y="15" font-family="sans-serif" font-size="12">{text}</text>"#);
            to_png(&format!(r#"<svg width="60" height="20" xmlns="http://www.w3.org/2000/svg">{text}</svg>"#))
        };
        let blank = picture("").expect("a picture");
        assert_ne!(picture("F1").expect("a picture"), blank);
        assert!(matches!(to_png("no picture"), Err(PlotError::Svg(_))));
        let huge = to_png(r#"<svg width="90000000" height="90000000" xmlns="http://www.w3.org/2000/svg"/>"#);
        assert_eq!(huge, Err(PlotError::Size { width: 180_000_000, height: 180_000_000 }));
    }
}
