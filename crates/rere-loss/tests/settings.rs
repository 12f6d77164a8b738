//! Settings of losses: from a file to a loss and back, and errors.

mod common;

use burn::tensor::Tensor;
use rere_loss::{
    Asymmetric, Bce, Cpu, CpuVariant, Dice, Focal, GroupBy, Groups, LabelCounts, Loss, LossError, LossKind,
    LossSettings, NnPu, PerClass, PriorSettings, Sampling, SsrPu, Surrogate, Upu,
};
use serde::{Deserialize, Serialize};

use common::device;

/// A file with the settings of two stages.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    epochs: usize,
    loss: LossSettings,
}

fn parse(loss: &str) -> Result<LossSettings, toml::de::Error> {
    toml::from_str::<File>(&format!("epochs = 3\nloss = {loss}\n")).map(|file| file.loss)
}

fn settings(loss: &str) -> LossSettings {
    parse(loss).unwrap_or_else(|error| panic!("{loss}: {error}"))
}

/// Returns the counts of three classes with shares of 0.02, 0.05 and 0.11 positives, 0.06 in all.
fn counts() -> LabelCounts {
    LabelCounts { labels: vec![100; 3], positives: vec![2, 5, 11] }
}

/// Computes value and gradient of a loss on four sentences with three labels.
fn run(loss: &dyn Loss, group: GroupBy) -> Vec<f32> {
    let device = device().autodiff();
    let logits = [[0.5, -1.0, 2.0], [-0.25, 3.0, -2.5], [-3.0, 0.75, 1.5], [1.0, -0.5, -4.0]];
    let targets = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]];
    let logits = Tensor::<2>::from_floats(logits, &device).require_grad();
    let targets = Tensor::<2>::from_floats(targets, &device);
    let groups = match group {
        GroupBy::Sentence => Groups::new(&[1], logits.clone(), targets),
        GroupBy::Label => Groups::new(&[0], logits.clone(), targets).with_classes(1),
    };
    let each = loss.forward(&groups).per_group();
    let gradient = logits.grad(&each.clone().sum().backward()).expect("part of the loss");
    each.into_data().iter::<f32>().chain(gradient.into_data().iter::<f32>()).collect()
}

/// Builds a loss from settings and runs it on a fixed input.
fn built(loss: &str) -> Vec<f32> {
    let settings = settings(loss);
    settings.check().unwrap_or_else(|error| panic!("{loss}: {error}"));
    let built = settings.build(&counts(), Some(&PerClass::All(0.4))).unwrap_or_else(|error| panic!("{loss}: {error}"));
    run(built.as_ref(), settings.group)
}

type Named = (&'static str, Box<dyn Loss>);

/// Returns each loss by its name, made by its constructor.
fn defaults() -> Result<Vec<Named>, LossError> {
    Ok(vec![
        ("bce", Box::new(Bce::new())),
        ("focal", Box::new(Focal::new(2.0, 0.25)?)),
        ("asymmetric", Box::new(Asymmetric::default())),
        ("dice", Box::new(Dice::default())),
        ("cpu", Box::new(Cpu::from_prior(0.06)?)),
        ("upu", Box::new(Upu::new(0.06)?)),
        ("nnpu", Box::new(NnPu::new(0.06)?)),
        ("ssr-pu", Box::new(SsrPu::new(0.06, 0.06)?)),
    ])
}

#[test]
fn a_name_alone_gives_the_loss_of_the_constructor() -> Result<(), LossError> {
    for (name, loss) in defaults()? {
        let text = format!("{{ name = \"{name}\" }}");
        assert_eq!(settings(&text).kind.name(), name);
        assert_eq!(built(&text), run(loss.as_ref(), GroupBy::Sentence), "{name}");
    }
    assert_eq!(LossSettings::default(), settings("{ name = \"bce\" }"));
    Ok(())
}

#[test]
fn every_parameter_reaches_the_loss() -> Result<(), LossError> {
    let squared = Surrogate::Squared { margin: 0.5 };
    let case_control = Sampling::CaseControl;
    let cases: Vec<(&str, &str, Box<dyn Loss>)> = vec![
        ("bce", "positive_weight = 2", Box::new(Bce::with_positive_weight(2.0)?)),
        ("focal", "gamma = 0.5", Box::new(Focal::new(0.5, 0.25)?)),
        ("focal", "alpha = 0.75", Box::new(Focal::new(2.0, 0.75)?)),
        ("asymmetric", "gamma_positive = 1.5", Box::new(Asymmetric::new(1.5, 4.0, 0.05)?)),
        ("asymmetric", "gamma_negative = 2", Box::new(Asymmetric::new(0.0, 2.0, 0.05)?)),
        ("asymmetric", "margin = 0.3", Box::new(Asymmetric::new(0.0, 4.0, 0.3)?)),
        ("dice", "smoothing = 0.5", Box::new(Dice::new(0.5)?)),
        ("cpu", "gamma = 0.9", Box::new(Cpu::new(1.05 * 0.06, 0.9)?)),
        ("cpu", "variant = \"paper\"", Box::new(Cpu::new(1.05 * 0.06, 0.04)?.with_variant(CpuVariant::Paper))),
        ("cpu", "prior = 0.3", Box::new(Cpu::new(0.3, 0.04)?)),
        ("cpu", "prior = { counted = { tau = 0.4 } }", Box::new(Cpu::from_prior_and_tau(0.06, 0.4, 0.04)?)),
        ("cpu", "prior = \"estimated\"", Box::new(Cpu::new(0.4, 0.04)?)),
        ("upu", "surrogate = \"sigmoid\"", Box::new(Upu::new(0.06)?.with_surrogate(Surrogate::Sigmoid))),
        (
            "upu",
            "surrogate = \"squared\"",
            Box::new(Upu::new(0.06)?.with_surrogate(Surrogate::Squared { margin: 1.0 })),
        ),
        ("upu", "surrogate = { squared = { margin = 0.5 } }", Box::new(Upu::new(0.06)?.with_surrogate(squared))),
        ("upu", "sampling = \"case-control\"", Box::new(Upu::new(0.06)?.with_sampling(case_control))),
        ("upu", "prior = 0.7", Box::new(Upu::new(0.7)?)),
        ("nnpu", "surrogate = { squared = { margin = 0.5 } }", Box::new(NnPu::new(0.06)?.with_surrogate(squared))),
        ("nnpu", "sampling = \"case-control\"", Box::new(NnPu::new(0.06)?.with_sampling(case_control))),
        // With this prior, the negative part of a sentence is too low.
        ("nnpu", "prior = 0.9", Box::new(NnPu::new(0.9)?)),
        ("nnpu", "prior = 0.9, beta = 0.1", Box::new(NnPu::new(0.9)?.with_correction(0.1, 1.0)?)),
        ("nnpu", "prior = 0.9, step_size = 0.5", Box::new(NnPu::new(0.9)?.with_correction(0.0, 0.5)?)),
        ("ssr-pu", "margin = 0.25", Box::new(SsrPu::new(0.06, 0.06)?.with_margin(0.25))),
        ("ssr-pu", "prior = 0.2", Box::new(SsrPu::new(0.2, 0.06)?)),
        ("ssr-pu", "prior = { counted = { tau = 0.4 } }", Box::new(SsrPu::new(0.06 * 1.4, 0.06)?)),
    ];
    let mut seen: Vec<(&str, Vec<f32>)> = Vec::new();
    for name in defaults()?.iter().map(|(name, _)| *name) {
        seen.push((name, built(&format!("{{ name = \"{name}\" }}"))));
    }
    for (name, parameters, loss) in cases {
        let ours = built(&format!("{{ name = \"{name}\", {parameters} }}"));
        assert_eq!(ours, run(loss.as_ref(), GroupBy::Sentence), "{name}, {parameters}");
        let same = seen.iter().find(|(other, values)| *other == name && *values == ours);
        assert!(same.is_none(), "{name}: {parameters} makes no difference on this input");
        seen.push((name, ours));
    }
    Ok(())
}

#[test]
fn groups_of_a_label_have_per_class_settings() -> Result<(), LossError> {
    let shares = [0.02, 0.05, 0.11];
    let cases: Vec<(&str, Box<dyn Loss>)> = vec![
        ("name = \"bce\", positive_weight = [1, 2, 3.5]", Box::new(Bce::with_positive_weight(vec![1.0, 2.0, 3.5])?)),
        ("name = \"focal\", alpha = [0.25, 0.5, 0.75]", Box::new(Focal::new(2.0, vec![0.25, 0.5, 0.75])?)),
        ("name = \"cpu\"", Box::new(Cpu::from_prior(shares.to_vec())?)),
        (
            "name = \"cpu\", gamma = [0.1, 0.2, 0.3], prior = [0.2, 0.1, 0.4]",
            Box::new(Cpu::new(vec![0.2, 0.1, 0.4], vec![0.1, 0.2, 0.3])?),
        ),
        ("name = \"upu\"", Box::new(Upu::new(shares.to_vec())?)),
        ("name = \"nnpu\", prior = \"estimated\"", Box::new(NnPu::new(0.4)?)),
        ("name = \"ssr-pu\"", Box::new(SsrPu::new(shares.to_vec(), shares.to_vec())?)),
        (
            "name = \"ssr-pu\", prior = { counted = { tau = 0.5 } }",
            Box::new(SsrPu::new(shares.map(|share| share * 1.5).to_vec(), shares.to_vec())?),
        ),
    ];
    for (text, loss) in cases {
        let text = format!("{{ {text}, group = \"label\" }}");
        assert_eq!(built(&text), run(loss.as_ref(), GroupBy::Label), "{text}");
    }
    Ok(())
}

/// mu is the same, to the last bit, as in runs before there were settings.
#[test]
fn the_counted_prior_is_the_share_of_positives_times_1_and_tau() -> Result<(), LossError> {
    let mu = |text: &str, counts: &LabelCounts| settings(text).settle_prior(counts, None);
    let counts = LabelCounts { labels: vec![1000, 701], positives: vec![37, 0] };
    assert_eq!(mu("{ name = \"cpu\" }", &counts)?, Some(PerClass::All(1.05 * (37.0 / 1701.0))));
    assert_eq!(mu("{ name = \"upu\" }", &counts)?, Some(PerClass::All(37.0 / 1701.0)));
    assert_eq!(
        mu("{ name = \"nnpu\", prior = { counted = { tau = 0.5 } } }", &counts)?,
        Some(PerClass::All(1.5 * (37.0 / 1701.0)))
    );
    assert_eq!(mu("{ name = \"bce\" }", &LabelCounts::default())?, None);
    assert_eq!(mu("{ name = \"cpu\", prior = 0.2 }", &LabelCounts::default())?, Some(PerClass::All(0.2)));
    // A class without positives counts as having half a positive, a class of positives only half a positive less.
    let counts = LabelCounts { labels: vec![100, 100, 100, 1], positives: vec![0, 100, 7, 1] };
    let label = "{ name = \"upu\", group = \"label\" }";
    assert_eq!(mu(label, &counts)?, Some(PerClass::Each(vec![0.005, 0.995, 0.07, 0.5])));
    let raised = "{ name = \"upu\", group = \"label\", prior = { counted = { tau = 0.4 } } }";
    let error = mu(raised, &counts).expect_err("a prior over 1");
    assert_eq!(
        error.to_string(),
        "the counted class prior times 1 + tau is 1.393: it must lie strictly between 0 and 1"
    );
    Ok(())
}

#[test]
fn labels_without_a_prior_are_errors() {
    let share = |labels: &[u64], positives: &[u64], group: GroupBy| {
        LabelCounts { labels: labels.to_vec(), positives: positives.to_vec() }.share(group)
    };
    for (labels, positives) in [([10, 10], [0, 0]), ([10, 10], [10, 10]), ([0, 0], [0, 0])] {
        let error = share(&labels, &positives, GroupBy::Sentence).expect_err("no prior");
        assert!(matches!(error, LossError::NoPrior { .. }), "{error}");
    }
    for (labels, positives) in [([10, 0], [1, 0]), ([10, 10], [1, 11])] {
        let error = share(&labels, &positives, GroupBy::Label).expect_err("no prior");
        assert!(matches!(error, LossError::NoPrior { .. }), "{error}");
    }
    for group in [GroupBy::Sentence, GroupBy::Label] {
        let error = share(&[10, 10], &[1], group).expect_err("other lengths");
        assert!(matches!(error, LossError::ClassesDiffer { classes: 2, others: 1, .. }), "{error}");
    }
}

#[test]
fn values_out_of_range_are_errors_that_name_the_key() {
    let cases = [
        ("name = \"bce\", positive_weight = -1", "positive_weight is -1"),
        ("name = \"bce\", positive_weight = nan", "positive_weight is NaN"),
        ("name = \"bce\", group = \"label\", positive_weight = [1, inf]", "positive_weight is inf"),
        ("name = \"focal\", gamma = -0.5", "gamma is -0.5"),
        ("name = \"focal\", alpha = 1", "alpha is 1"),
        ("name = \"asymmetric\", gamma_positive = -1", "gamma_positive is -1"),
        ("name = \"asymmetric\", gamma_negative = inf", "gamma_negative is inf"),
        ("name = \"asymmetric\", margin = 1", "margin is 1: it must be at least 0 and below 1"),
        ("name = \"asymmetric\", margin = -0.1", "margin is -0.1"),
        ("name = \"dice\", smoothing = 0", "smoothing is 0: it must be a finite number over 0"),
        ("name = \"dice\", smoothing = -1", "smoothing is -1"),
        ("name = \"cpu\", gamma = 1.5", "gamma is 1.5: it must lie strictly between 0 and 1"),
        ("name = \"cpu\", prior = 0", "prior is 0"),
        ("name = \"cpu\", prior = { counted = { tau = 1 } }", "tau is 1: it must be at least 0 and below 1"),
        ("name = \"cpu\", prior = [0.1, 0.2]", "prior has a number for each class, but group is \"sentence\""),
        ("name = \"cpu\", gamma = [0.1, 0.2]", "gamma has a number for each class"),
        ("name = \"bce\", positive_weight = [0.1, 0.2]", "positive_weight has a number for each class"),
        (
            "name = \"cpu\", group = \"label\", prior = [0.1, 0.2], gamma = [0.1, 0.2, 0.3]",
            "prior has 2 classes, but gamma 3",
        ),
        ("name = \"upu\", group = \"label\", prior = [0.1, 1.0]", "prior is 1"),
        ("name = \"upu\", surrogate = { squared = { margin = nan } }", "surrogate.squared.margin is NaN"),
        ("name = \"nnpu\", surrogate = { squared = { margin = -1 } }", "surrogate.squared.margin is -1"),
        ("name = \"nnpu\", prior = { counted = { tau = -0.1 } }", "tau is -0.1"),
        ("name = \"nnpu\", beta = -1", "beta is -1"),
        ("name = \"nnpu\", step_size = nan", "step_size is NaN"),
        ("name = \"ssr-pu\", margin = -1", "margin is -1"),
        ("name = \"ssr-pu\", prior = 2", "prior is 2"),
    ];
    for (text, message) in cases {
        let settings = settings(&format!("{{ {text} }}"));
        let error = settings.check().expect_err(text).to_string();
        assert!(error.contains(message), "{text}: {error}");
        // `build` refuses invalid settings, too.
        let classes = LabelCounts { labels: vec![100; 2], positives: vec![2, 5] };
        assert_eq!(settings.build(&classes, None).map(drop).expect_err(text).to_string(), error);
    }
}

#[test]
fn settings_that_do_not_fit_the_labels_are_errors() {
    let error = |text: &str, estimated: Option<PerClass>| {
        let settings = settings(&format!("{{ {text} }}"));
        settings.check().unwrap_or_else(|error| panic!("{text}: {error}"));
        settings.build(&counts(), estimated.as_ref()).map(drop).expect_err(text).to_string()
    };
    for text in ["name = \"upu\", prior", "name = \"bce\", positive_weight"] {
        let error = error(&format!("{text} = [0.1, 0.2], group = \"label\""), None);
        assert!(
            error
                .ends_with("2 classes, but the training labels 3: give one number for all classes, or as many of each"),
            "{error}"
        );
    }
    let estimated = "name = \"cpu\", prior = \"estimated\"";
    assert_eq!(
        error(estimated, None),
        "prior is \"estimated\", but there is no estimate: pass one, or give prior as a number"
    );
    assert!(error(estimated, Some(PerClass::All(1.0))).starts_with("the estimated class prior is 1: it must lie"));
    assert!(
        error(estimated, Some(PerClass::Each(vec![0.1; 3]))).starts_with("the estimated class prior has a number for")
    );
    assert!(
        error(&format!("{estimated}, group = \"label\""), Some(PerClass::Each(vec![0.1; 4])))
            .starts_with("the estimated class prior has 4 classes, but the training labels 3")
    );
    assert_eq!(
        error("name = \"ssr-pu\", prior = 0.05", None),
        "the prior is 0.05, but the labelled share is 0.06: the prior must include the labelled positives"
    );
}

#[test]
fn unknown_names_keys_and_values_are_errors_with_their_line() {
    let cases = [
        ("\"cpu\"", "string \"cpu\", expected a table such as { name = \"cpu\" }"),
        ("{ gamma = 0.5 }", "the loss has no name: expected a table such as { name = \"cpu\" }"),
        (
            "{ name = 3 }",
            "name of the loss: expected one of bce, focal, asymmetric, dice, cpu, upu, nnpu, ssr-pu, found 3",
        ),
        (
            "{ name = \"hinge\" }",
            "unknown loss \"hinge\": expected one of bce, focal, asymmetric, dice, cpu, upu, nnpu, ssr-pu",
        ),
        (
            "{ gamma = 0.5, name = \"bce\" }",
            "unknown key \"gamma\" of the loss \"bce\": expected one of positive_weight, group",
        ),
        (
            "{ name = \"cpu\", mu = 0.1 }",
            "unknown key \"mu\" of the loss \"cpu\": write prior instead; expected one of gamma, variant, prior, group",
        ),
        ("{ name = \"bce\", mu = 0.1 }", "unknown key \"mu\" of the loss \"bce\": expected one of"),
        ("{ name = \"bce\", prior = 0.1 }", "unknown key \"prior\" of the loss \"bce\""),
        ("{ name = \"cpu\", gama = 0.1 }", "unknown key \"gama\" of the loss \"cpu\""),
        (
            "{ name = \"cpu\", gamma = \"high\" }",
            "gamma of the loss \"cpu\": expected a number or a list of numbers, found \"high\"",
        ),
        (
            "{ name = \"cpu\", gamma = [1, true] }",
            "gamma of the loss \"cpu\": expected a number or a list of numbers, found [1, true]",
        ),
        ("{ name = \"focal\", gamma = [1, 2] }", "gamma of the loss \"focal\": expected a number, found [1, 2]"),
        (
            "{ name = \"cpu\", variant = \"code\" }",
            "variant of the loss \"cpu\": expected \"group\" or \"paper\", found \"code\"",
        ),
        (
            "{ name = \"cpu\", group = \"token\" }",
            "group of the loss \"cpu\": expected \"sentence\" or \"label\", found \"token\"",
        ),
        (
            "{ name = \"cpu\", prior = { counted = { rate = 0.1 } } }",
            "prior of the loss \"cpu\": expected a number, a list of numbers, { counted = { tau = 0.05 } } or \
             \"estimated\", found { counted = { rate = 0.1 } }",
        ),
        ("{ name = \"cpu\", prior = \"counted\" }", "prior of the loss \"cpu\": expected a number"),
        (
            "{ name = \"cpu\", prior = { counted = { tau = 0.1 }, tau = 2 } }",
            "prior of the loss \"cpu\": expected a number",
        ),
        (
            "{ name = \"upu\", sampling = \"two\" }",
            "sampling of the loss \"upu\": expected \"one-sample\" or \"case-control\"",
        ),
        (
            "{ name = \"upu\", surrogate = \"hinge\" }",
            "surrogate of the loss \"upu\": expected \"logistic\", \"sigmoid\"",
        ),
        ("{ name = \"upu\", surrogate = { squared = {} } }", "found { squared = {} }"),
    ];
    for (text, message) in cases {
        let error = parse(text).expect_err(text);
        assert!(error.message().contains(message), "{text}: {error}");
        assert!(error.to_string().contains("line 2, column 8"), "{text}: {error}");
    }
    // A separate table.
    let error = toml::from_str::<File>("epochs = 3\n\n[loss]\nname = \"dice\"\nmargin = 1.0\n").expect_err("a margin");
    assert!(error.message().contains("unknown key \"margin\" of the loss \"dice\""), "{error}");
    assert!(error.to_string().contains("line 3, column 1"), "{error}");
    let error = serde_json::from_str::<LossSettings>("{\"name\": \"cpu\",\n \"gamma\": 0.1, \"gamma\": 0.2}")
        .expect_err("twice");
    assert!(error.to_string().starts_with("the key \"gamma\" occurs twice at line 2"), "{error}");
    let error = serde_json::from_str::<LossSettings>("\"cpu\"").expect_err("a string");
    assert!(error.to_string().contains("expected a table such as"), "{error}");
}

#[test]
fn settings_are_written_as_they_were_read() {
    let written = [
        ("{ name = \"bce\" }", r#"{"name":"bce","positive_weight":1.0,"group":"sentence"}"#),
        ("{ group = \"label\", name = \"focal\" }", r#"{"name":"focal","gamma":2.0,"alpha":0.25,"group":"label"}"#),
        (
            "{ name = \"asymmetric\" }",
            r#"{"name":"asymmetric","gamma_positive":0.0,"gamma_negative":4.0,"margin":0.05,"group":"sentence"}"#,
        ),
        ("{ name = \"dice\" }", r#"{"name":"dice","smoothing":1.0,"group":"sentence"}"#),
        (
            "{ name = \"cpu\" }",
            r#"{"name":"cpu","gamma":0.04,"variant":"group","prior":{"counted":{"tau":0.05}},"group":"sentence"}"#,
        ),
        (
            "{ prior = [0.1, 0.25], variant = \"paper\", group = \"label\", name = \"cpu\", gamma = 1e-3 }",
            r#"{"name":"cpu","gamma":0.001,"variant":"paper","prior":[0.1,0.25],"group":"label"}"#,
        ),
        (
            "{ name = \"upu\", surrogate = \"squared\", prior = \"estimated\" }",
            r#"{"name":"upu","surrogate":{"squared":{"margin":1.0}},"sampling":"one-sample","prior":"estimated","group":"sentence"}"#,
        ),
        (
            "{ name = \"nnpu\", prior = 0.3, sampling = \"case-control\" }",
            r#"{"name":"nnpu","surrogate":"logistic","sampling":"case-control","beta":0.0,"step_size":1.0,"prior":0.3,"group":"sentence"}"#,
        ),
        (
            "{ name = \"ssr-pu\" }",
            r#"{"name":"ssr-pu","margin":1.0,"prior":{"counted":{"tau":0.0}},"group":"sentence"}"#,
        ),
    ];
    for (text, json) in written {
        let file = File { epochs: 3, loss: settings(text) };
        assert_eq!(serde_json::to_string(&file.loss).expect("writable"), json);
        assert_eq!(serde_json::from_str::<LossSettings>(json).expect("as written"), file.loss);
        let toml = toml::to_string(&file).expect("writable");
        assert_eq!(toml::from_str::<File>(&toml).expect("as written"), file, "{toml}");
    }
}

#[test]
fn settings_can_be_made_without_a_file() -> Result<(), LossError> {
    let kind = LossKind::NnPu {
        surrogate: Surrogate::Logistic,
        sampling: Sampling::OneSample,
        beta: 0.0,
        step_size: 1.0,
        prior: PriorSettings::Given(0.3.into()),
    };
    let settings = LossSettings::new(kind).with_group(GroupBy::Label);
    let loss: Box<dyn Loss + Send + Sync> = settings.build(&counts(), None)?;
    let moved = std::thread::spawn(move || run(loss.as_ref(), GroupBy::Label)).join().expect("no panic");
    assert_eq!(moved, run(&NnPu::new(0.3)?, GroupBy::Label));
    let _narrower: Box<dyn Loss> = settings.build(&counts(), None)?;
    Ok(())
}
