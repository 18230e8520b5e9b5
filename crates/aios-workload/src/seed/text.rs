//! Names, descriptions, tags and reviews, put together from the lists of words.
//!
//! Words are picked by Zipf's law, and invented names make a long tail of rare ones, so that a full-text index over the
//! result looks like one over real texts.

use aios_domain::{
    AgentName, Capability, CategoryName, Description, DisplayName, Email, Rating, ReviewText, ReviewTitle, Tag,
};

use super::draw::Draw;
use super::words::{
    ADJECTIVES, AUDIENCES, CATEGORIES, CLOSINGS, FINDINGS, FIRST_NAMES, FIRST_SYLLABLES, LAST_NAMES, LAST_SYLLABLES,
    MANNERS, MIDDLE_SYLLABLES, OPENINGS, ROLES, TITLES, Vocabulary,
};

/// How many invented names there are.
const INVENTED: usize = FIRST_SYLLABLES.len() * MIDDLE_SYLLABLES.len() * LAST_SYLLABLES.len();
/// How many of them are tags, too.
const INVENTED_TAGS: usize = 2_000;

/// What an agent is about, the larger categories more often.
pub(super) fn vocabulary(draw: &mut Draw) -> &'static Vocabulary {
    let all: [&Vocabulary; 6] = CATEGORIES.each_ref();
    // Half by Zipf's law and half evenly: the largest category is about three times the smallest.
    if draw.chance(0.5) {
        draw.pick_zipf(&all)
    } else {
        draw.pick(&all)
    }
}

/// The category; one agent in fifty has none.
pub(super) fn category(draw: &mut Draw, vocabulary: &Vocabulary) -> Option<CategoryName> {
    draw.chance(0.98)
        .then(|| CategoryName::from_trusted(vocabulary.category.to_owned()))
}

pub(super) fn agent_name(draw: &mut Draw, vocabulary: &Vocabulary) -> AgentName {
    let role = draw.pick_zipf(ROLES);
    let topic = draw.pick_zipf(vocabulary.topics);
    let name = match draw.below(10) {
        0..=2 => format!("{} {topic} {role}", draw.pick_zipf(ADJECTIVES)),
        3 | 4 => format!("{topic} {role} for {}", capitalised(draw.pick_zipf(AUDIENCES))),
        5 | 6 => format!("{} {topic} {role}", invented(draw)),
        7 => format!("{topic} {} {role}", draw.pick_zipf(vocabulary.topics)),
        8 => format!("{} {role}", invented(draw)),
        _ => format!("{}{}", invented(draw), topic.to_lowercase()),
    };
    AgentName::from_trusted(name)
}

pub(super) fn description(draw: &mut Draw, vocabulary: &Vocabulary) -> Description {
    let verb = |draw: &mut Draw| draw.pick_zipf(vocabulary.verbs);
    let object = |draw: &mut Draw| draw.pick_zipf(vocabulary.objects);
    let mut text = String::with_capacity(320);
    text.push_str(&capitalised(verb(draw)));
    push(&mut text, &[object(draw), "and", verb(draw), object(draw), "for"]);
    push(&mut text, &[draw.pick_zipf(AUDIENCES)]);
    text.push('.');
    if draw.chance(0.8) {
        push(&mut text, &["It", verb(draw), object(draw)]);
        push(&mut text, &[draw.pick_zipf(MANNERS)]);
        text.push('.');
    }
    if draw.chance(0.4) {
        let (first, second) = (invented(draw), invented(draw));
        push(&mut text, &["Works with", &first, "and", &second]);
        text.push('.');
    }
    if draw.chance(0.6) {
        push(&mut text, &[draw.pick_zipf(CLOSINGS)]);
    }
    Description::from_trusted(text)
}

/// Two to six tags: most of the agent's own field, some of another, a few that hardly anyone else has.
pub(super) fn tags(draw: &mut Draw, vocabulary: &Vocabulary) -> Vec<Tag> {
    let wanted = 2 + usize::from(draw.chance(0.8)) + draw.zipf(4);
    let mut tags: Vec<Tag> = Vec::with_capacity(wanted);
    for _ in 0..wanted {
        let text = match draw.below(20) {
            0 => invented_of(draw.zipf(INVENTED_TAGS)).to_lowercase(),
            1..=3 => {
                let other = draw.pick(&CATEGORIES.each_ref());
                draw.pick_zipf(other.tags).to_owned()
            }
            _ => draw.pick_zipf(vocabulary.tags).to_owned(),
        };
        let tag = Tag::from_trusted(text);
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

pub(super) fn capabilities(draw: &mut Draw, vocabulary: &Vocabulary) -> Vec<Capability> {
    let mut capabilities: Vec<Capability> = Vec::with_capacity(4);
    for _ in 0..=draw.below(4) {
        let capability = Capability::from_trusted(draw.pick_zipf(vocabulary.capabilities).to_owned());
        if !capabilities.contains(&capability) {
            capabilities.push(capability);
        }
    }
    capabilities
}

/// A heading and a text that go with the stars. One review in three is stars alone.
pub(super) fn review(draw: &mut Draw, rating: Rating) -> (Option<ReviewTitle>, Option<ReviewText>) {
    if draw.chance(0.33) {
        return (None, None);
    }
    let place = usize::from(rating.stars().saturating_sub(1));
    let (Some(titles), Some(openings)) = (TITLES.get(place), OPENINGS.get(place)) else {
        return (None, None);
    };
    let vocabulary = vocabulary(draw);
    let mut text = String::with_capacity(160);
    text.push_str(draw.pick_zipf(openings));
    if draw.chance(0.7) {
        push(
            &mut text,
            &[draw.pick_zipf(FINDINGS), draw.pick_zipf(vocabulary.objects)],
        );
        text.push('.');
    }
    if draw.chance(0.15) {
        push(&mut text, &["Before, we had", &invented(draw)]);
        text.push('.');
    }
    let title = ReviewTitle::from_trusted(draw.pick_zipf(titles).to_owned());
    (Some(title), Some(ReviewText::from_trusted(text)))
}

/// A name and an address of its own, by the user's number.
pub(super) fn person(draw: &mut Draw, number: u64) -> (DisplayName, Email) {
    let (first, last) = (draw.pick(FIRST_NAMES), draw.pick(LAST_NAMES));
    let email = format!("{}.{}.{number}@example.org", first.to_lowercase(), last.to_lowercase());
    (
        DisplayName::from_trusted(format!("{first} {last}")),
        Email::from_trusted(email),
    )
}

/// A name that stands in no dictionary, some of them in many texts and most in few.
pub(super) fn invented(draw: &mut Draw) -> String {
    invented_of(draw.zipf(INVENTED))
}

fn invented_of(rank: usize) -> String {
    let part = |syllables: &[&'static str], number: usize| -> &'static str {
        syllables.get(number % syllables.len()).copied().unwrap_or_default()
    };
    let middle = rank / FIRST_SYLLABLES.len();
    let first = part(FIRST_SYLLABLES, rank);
    let last = part(LAST_SYLLABLES, middle / MIDDLE_SYLLABLES.len());
    capitalised(&[first, part(MIDDLE_SYLLABLES, middle), last].concat())
}

fn capitalised(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// Each word behind a space.
fn push(text: &mut String, words: &[&str]) {
    for word in words {
        text.push(' ');
        text.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::seed::draw::Stream;

    #[test]
    fn every_text_obeys_the_rules_of_the_domain() {
        for number in 0..2_000 {
            let draw = &mut Draw::of(3, Stream::AgentText, number, 0);
            let words = vocabulary(draw);
            AgentName::new(agent_name(draw, words).as_str()).unwrap();
            Description::new(description(draw, words).as_str()).unwrap();
            for tag in tags(draw, words) {
                assert_eq!(Tag::new(tag.as_str()).unwrap(), tag);
            }
            assert!(!capabilities(draw, words).is_empty());
            for stars in 1..=5 {
                let (title, text) = review(draw, Rating::new(stars).unwrap());
                assert_eq!(title.is_some(), text.is_some());
            }
            let (name, email) = person(draw, number);
            Email::new(email.as_str()).unwrap();
            DisplayName::new(name.as_str()).unwrap();
        }
    }

    #[test]
    fn words_of_every_category_fit_the_domain() {
        for words in &CATEGORIES {
            CategoryName::new(words.category).unwrap();
            for tag in words.tags {
                assert_eq!(Tag::new(tag).unwrap().as_str(), *tag);
            }
            for capability in words.capabilities {
                Capability::new(capability).unwrap();
            }
        }
    }

    #[test]
    fn invented_names_differ() {
        let names: HashSet<String> = (0..INVENTED).map(invented_of).collect();
        assert!(names.len() * 10 > INVENTED * 9, "{} of {INVENTED}", names.len());
    }
}
