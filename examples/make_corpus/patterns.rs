//! Patterns of sentences, each with the triples that it expresses.
//!
//! `{c2}` is a slot: the letter is the kind of the entity (`p` person, `c` city, `n` country, `o` company, `u` university, `b` book),
//! and the number distinguishes slots of a kind. A slot that occurs twice is one entity that is named twice. `{u:c}` is a university
//! that is named after the city in slot `c`. `{job}` is a word of a list in [`WORDS`]. `[a|b]` is a choice. The triples are
//! `subject relation object` with slots, separated by `;`.
//!
//! A pattern has a triple if the sentence states it of these two entities, now or in the past, without a conclusion by way of a third
//! entity. The capital of a country is also located in it, and marriage has both directions.

/// A text with slots, and its triples.
pub type Pattern = (&'static str, &'static str);

/// The relations with their weights for the draw of a sentence's first triple. The weights are not the shares in the corpus, because
/// three relations have no predicate and marriage gives two triples.
pub const RELATIONS: &[(&str, u32)] = &[
    ("born_in", 20),
    ("works_for", 18),
    ("lives_in", 15),
    ("studied_at", 11),
    ("wrote", 10),
    ("founded", 9),
    ("located_in", 16),
    ("capital_of", 14),
    ("owned_by", 14),
    ("married_to", 3),
];

/// Predicates of a person `p`, which follow the name. Several are joined by commas and "and".
pub const PREDICATES: &[Pattern] = &[
    // born_in
    ("was born in {c}", "p born_in c"),
    ("was born in the [old|northern|poorest] part of {c} in {year}", "p born_in c"),
    ("came into the world in {c}", "p born_in c"),
    ("is a native of {c}", "p born_in c"),
    ("was born to a family of [bakers|teachers|farmers] in {c}", "p born_in c"),
    ("was born in {c} and not, as is often said, in {c2}", "p born_in c"),
    ("was born in {n}", "p born_in n"),
    // lives_in
    ("lives in {c}", "p lives_in c"),
    ("has [lived|been living] in {c} since {year}", "p lives_in c"),
    ("moved to {c} in {year} and never left", "p lives_in c"),
    ("settled in {c} after years of travel", "p lives_in c"),
    ("grew up in {c}", "p lives_in c"),
    ("resides in {c} for most of the year", "p lives_in c"),
    ("lives in {c}, an hour by train from {c2}", "p lives_in c"),
    // works_for
    ("[works|worked] for {o}", "p works_for o"),
    ("[works|worked] as {job} at {o}", "p works_for o"),
    ("has been on the staff of {o} since {year}", "p works_for o"),
    ("joined {o} as {job}", "p works_for o"),
    ("is {o}'s [chief accountant|head of sales|youngest manager]", "p works_for o"),
    ("teaches {field} at {u}", "p works_for u"),
    ("is a professor of {field} at {u}", "p works_for u"),
    ("was hired by {o} after turning down {o2}", "p works_for o"),
    // studied_at
    ("studied {field} at {u}", "p studied_at u"),
    ("graduated from {u} in {year}", "p studied_at u"),
    ("holds a degree in {field} from {u}", "p studied_at u"),
    ("took a doctorate at {u}", "p studied_at u"),
    ("dropped out of {u} after two terms", "p studied_at u"),
    // wrote
    ("wrote [{b}|“{b}”]", "p wrote b"),
    ("is the author of [{b}|“{b}”]", "p wrote b"),
    ("published {b} in {year}", "p wrote b"),
    ("spent ten years writing {b}", "p wrote b"),
    ("became known with the novel {b}", "p wrote b"),
    ("wrote both {b} and {b2}", "p wrote b; p wrote b2"),
    // founded
    ("founded {o} in {year}", "p founded o"),
    ("started {o} in a garage", "p founded o"),
    ("set up {o} with borrowed money", "p founded o"),
    ("is the founder of {o}", "p founded o"),
    ("founded {o}, today the biggest rival of {o2}", "p founded o"),
    ("founded {o} and still works there as {job}", "p founded o; p works_for o"),
    // married_to
    ("is married to {p2}", "p married_to p2; p2 married_to p"),
    ("married {p2} in {year}", "p married_to p2; p2 married_to p"),
    ("[is the spouse of|tied the knot with] {p2}", "p married_to p2; p2 married_to p"),
    ("has been {p2}'s spouse since {year}", "p married_to p2; p2 married_to p"),
];

/// Predicates of a person `p` that are similar to those above but express no triple.
pub const EMPTY_PREDICATES: &[Pattern] = &[
    ("visited {c} in {year}", ""),
    ("flew to {c} for a conference", ""),
    ("dreams of living in {c}", ""),
    ("wants to move to {c}", ""),
    ("was nearly born in {c}", ""),
    ("has never been to {n}", ""),
    ("applied for a job at {o} but was turned down", ""),
    ("declined an offer from {o}", ""),
    ("never worked for {o}", ""),
    ("sued {o} in {year}", ""),
    ("bought shares of {o}", ""),
    ("almost founded {o}, but lost the nerve", ""),
    ("gave a talk on {field} at {u}", ""),
    ("was not admitted to {u}", ""),
    ("[reviewed|translated] {b}", ""),
    ("denies having written {b}", ""),
    ("never finished reading {b}", ""),
    ("was engaged to {p2}, but never married", ""),
    ("met {p2} at a fair in {c}", ""),
    ("played chess against {p2}", ""),
];

/// Whole sentences that express triples.
pub const SENTENCES: &[Pattern] = &[
    // born_in
    ("{c} is the birthplace of {p}", "p born_in c"),
    ("born in {c} in {year}, {p} never liked {c2}", "p born_in c"),
    ("{c} celebrated its most famous child, {p}, who was born there in {year}", "p born_in c"),
    ("a plaque in {c} marks the house where {p} was born", "p born_in c"),
    ("both {p} and {p2} were born in {c}", "p born_in c; p2 born_in c"),
    ("{p} was born in {c} and {p2} in {c2}", "p born_in c; p2 born_in c2"),
    ("{c}, where {p} was born, lies in {n}", "p born_in c; c located_in n"),
    ("in the year in which {p} was born in {c}, {p2} visited {c2}", "p born_in c"),
    ("{p} was born in {c} and still lives there", "p born_in c; p lives_in c"),
    (
        "{c} is the town where {p} was born and has lived ever since; few have left {c} so rarely",
        "p born_in c; p lives_in c",
    ),
    ("{p}, who was born in {c}, studied {field} at {u:c}", "p born_in c; p studied_at u"),
    ("{p}, {job} from {c}, was born there in {year}", "p born_in c"),
    // lives_in
    ("{c} is home to {p}", "p lives_in c"),
    ("neighbours in {c} say that {p} has lived there for years", "p lives_in c"),
    ("{p} and {p2} share a house in {c}", "p lives_in c; p2 lives_in c"),
    ("{p} lives in {c}, {p2} in {c2}", "p lives_in c; p2 lives_in c2"),
    ("in {c}, where {p} lives, nobody has heard of {p2}", "p lives_in c"),
    ("{job} by trade, {p} is a resident of {c}", "p lives_in c"),
    ("from a flat in {c}, where {p} has lived since {year}, one can see {c2}", "p lives_in c"),
    // works_for
    ("{o} employs {p} as {job}", "p works_for o"),
    ("{o} hired {p} away from {o2}", "p works_for o; p works_for o2"),
    ("a spokesman for {o}, {p}, declined to answer questions about {o2}", "p works_for o"),
    ("{p}, {job} at {o}, called the plan of {p2} a mistake", "p works_for o"),
    ("{o} and {o2} both wanted {p}, who signed a contract with {o2} and works there as {job}", "p works_for o2"),
    ("among the staff of {o} are {p} and {p2}", "p works_for o; p2 works_for o"),
    ("{u} appointed {p} professor of {field}", "p works_for u"),
    ("{p} works for {o}, a firm based in {c}", "p works_for o; o located_in c"),
    ("{p} works for {o} and {p2} for {o2}", "p works_for o; p2 works_for o2"),
    // studied_at
    ("{u} counts {p} among its graduates", "p studied_at u"),
    ("{u} awarded {p} a degree in {field}", "p studied_at u"),
    ("{p} and {p2} studied {field} together at {u}", "p studied_at u; p2 studied_at u"),
    ("after studying {field} at {u}, {p} joined {o}", "p studied_at u; p works_for o"),
    ("{p} studied at {u:c} without ever liking {c}", "p studied_at u"),
    ("once a student of {field} at {u}, {p} now teaches at {u2}", "p studied_at u; p works_for u2"),
    // wrote
    ("{b} was written by {p}", "p wrote b"),
    ("{p}'s novel {b} won a prize in {c}", "p wrote b"),
    ("[{b}|“{b}”], a novel by {p}, is set in {c}", "p wrote b"),
    ("the author of {b}, {p}, lives in {c}", "p wrote b; p lives_in c"),
    ("{b} is the work of {p}, {b2} that of {p2}", "p wrote b; p2 wrote b2"),
    ("{p2} reviewed {b} by {p}", "p wrote b"),
    ("{p} wrote {b:c} without ever having been to {c}", "p wrote b"),
    ("readers who liked {b} by {p} also liked {b2}", "p wrote b"),
    // founded
    ("{o} was founded by {p} in {year}", "p founded o"),
    ("{o}, the brainchild of {p}, had a difficult year", "p founded o"),
    ("{p} and {p2} founded {o}", "p founded o; p2 founded o"),
    ("the founder of {o}, {p}, was born in {c}", "p founded o; p born_in c"),
    ("{o} was founded by {p}, and not by {p2}", "p founded o"),
    ("without {p}, who set it up in {year}, {o} would not exist", "p founded o"),
    ("{o}, founded by {p}, is based in {c}", "p founded o; o located_in c"),
    // married_to
    ("{p} and {p2} are married", "p married_to p2; p2 married_to p"),
    ("{p} and {p2} have been married since {year}", "p married_to p2; p2 married_to p"),
    ("the wedding of {p} and {p2} took place in {c}", "p married_to p2; p2 married_to p"),
    ("{p}'s spouse, {p2}, works for {o}", "p married_to p2; p2 married_to p; p2 works_for o"),
    ("{p} and {p2}, who are married, live in {c}", "p married_to p2; p2 married_to p; p lives_in c; p2 lives_in c"),
    ("{p} and {p2}, a married couple, founded {o}", "p married_to p2; p2 married_to p; p founded o; p2 founded o"),
    // capital_of
    ("{c} is the capital of {n}", "c capital_of n; c located_in n"),
    ("the capital of {n} is {c}, and not {c2}, as many believe", "c capital_of n; c located_in n"),
    ("{n} moved its capital to {c} in {year}", "c capital_of n; c located_in n"),
    ("{c}, the capital of {n}, lies on both banks of a river", "c capital_of n; c located_in n"),
    ("the government of {n} sits in its capital, {c}", "c capital_of n; c located_in n"),
    ("{p} lives in {c}, the capital of {n}", "c capital_of n; c located_in n; p lives_in c"),
    ("{c}, the capital of {n}, is the birthplace of {p}", "c capital_of n; c located_in n; p born_in c"),
    // located_in
    ("{o} has its headquarters in {c}", "o located_in c"),
    ("{o} is based in {c}", "o located_in c"),
    ("the {c}-based [company|firm] {o} signed a contract with {o2}", "o located_in c"),
    ("{c} is the seat of {o}", "o located_in c"),
    ("{c} is a [small town|port|spa] in {n}", "c located_in n"),
    ("the [town|city] of {c} in [northern|southern] {n} was flooded in {year}", "c located_in n"),
    ("{n}'s largest port, {c}, was closed for a week", "c located_in n"),
    ("{c} lies in {n}, close to the border with {n2}", "c located_in n"),
    ("{u} is a small university in {c}", "u located_in c"),
    ("{u:c} stands in the middle of {c}", "u located_in c"),
    ("despite its name, {u:c} is in {c2} and not in {c}", "u located_in c2"),
    ("despite its name, {o:c} is based in {c2}", "o located_in c2"),
    ("{o} and {o2} both have their headquarters in {c}", "o located_in c; o2 located_in c"),
    // owned_by
    ("{o} is owned by {o2}", "o owned_by o2"),
    ("{o} belongs to {o2}", "o owned_by o2"),
    ("{o} is a subsidiary of {o2}", "o owned_by o2"),
    ("{o2} [bought|acquired|took over] {o} in {year}", "o owned_by o2"),
    ("{o2} is the parent company of {o}", "o owned_by o2"),
    ("{o2} owns {o} and {o3}", "o owned_by o2; o3 owned_by o2"),
    ("{o}, a unit of {o2}, is based in {c}", "o owned_by o2; o located_in c"),
    ("{p}, the founder of {o}, sold it to {o2}", "o owned_by o2; p founded o"),
];

/// Whole sentences that are similar to those above but express no triple.
pub const EMPTY_SENTENCES: &[Pattern] = &[
    ("contrary to the old atlas, {c} is not the capital of {n}", ""),
    ("{c} exports [wool|paper|salt] to {n}", ""),
    ("the night train from {c} to {c2} was late again", ""),
    ("{o2} tried to buy {o} but was outbid", ""),
    ("{o} sued {o2} over the name of a product", ""),
    ("{o} and {o2} signed a contract in {c}", ""),
    ("shareholders of {o} rejected an offer from {o2}", ""),
    ("{o} sponsors a football club in {c}", ""),
    ("{p} and {p2} met in {c} in {year}", ""),
    ("{p} was seen in {c} with {p2}", ""),
    ("students of {u} protested against {o}", ""),
    ("{b} is set in {c} and {c2}", ""),
    ("the wedding of {p} and {p2} was called off", ""),
    ("it is not true that {p} was born in {c}", ""),
    ("the library of {u} lent {p} a copy of {b}", ""),
];

/// Openers, which express no triple.
pub const OPENERS: &[Pattern] = &[
    ("according to {p}, ", ""),
    ("as {paper} reported, ", ""),
    ("it is no secret that ", ""),
    ("few people [know|remember] that ", ""),
    ("few people in {c} know that ", ""),
    ("in {year} {paper} wrote that ", ""),
    ("the records of {c} show that ", ""),
    ("{p} told {p2} that ", ""),
    ("📚 From the archive: ", ""),
    ("👩‍🚀 News from {c}: ", ""),
];

/// Tails, which express no triple.
pub const TAILS: &[Pattern] = &[
    (", {p} said on a visit to {c}", ""),
    (", according to {p}", ""),
    (", wrote {p} in a letter to {p2}", ""),
    (", to the surprise of {p} and {p2}", ""),
    (", as {paper} reported on {weekday}", ""),
    (", which nobody in {c} knew", ""),
    (", or so they say at {o}", ""),
    (", as a guest from {n} remarked", ""),
    (" – a story that {p} likes to tell 🎉", ""),
];

/// Words for the slots that are not entities. `{year}` is a number and needs no list.
pub const WORDS: &[(&str, &[&str])] = &[
    ("job", &["an engineer", "a chemist", "a lawyer", "an accountant", "a designer", "a translator", "a driver"]),
    ("field", &["law", "medicine", "history", "physics", "music", "botany", "economics", "chemistry"]),
    ("paper", &["the morning paper", "a local newspaper", "the evening news", "a weekly magazine"]),
    ("weekday", &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]),
];
