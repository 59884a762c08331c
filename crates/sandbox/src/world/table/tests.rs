//! Tests of paging: the cursors in every order, and that no page loses or repeats an object.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;

#[derive(Debug, PartialEq)]
struct Row {
    id: String,
    owner: String,
    created_at: Timestamp,
}

impl Record for Row {
    const KIND: &'static str = "Row";

    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn owner(&self) -> Option<&str> {
        Some(&self.owner)
    }
}

fn row(number: i64, seconds: i64) -> Row {
    Row {
        id: format!("row_{number}"),
        owner: format!("org_{}", number % 2),
        created_at: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds),
    }
}

/// Five rows, `row_1` the oldest.
fn five() -> Table<Row> {
    (1..=5).map(|number| row(number, number)).collect()
}

fn query(order: Order, limit: usize, before: Option<&str>, after: Option<&str>) -> PageQuery {
    PageQuery {
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
        limit,
        order,
    }
}

/// A page as `2 1 | before - | after 3`.
fn show(page: &Page<&Row>) -> String {
    let number = |id: &str| id.trim_start_matches("row_").to_owned();
    let cursor = |id: &Option<String>| id.as_deref().map_or_else(|| "-".to_owned(), number);
    let data: Vec<String> = page.data.iter().map(|row| number(&row.id)).collect();
    format!(
        "{} | before {} | after {}",
        data.join(" "),
        cursor(&page.before),
        cursor(&page.after)
    )
}

#[track_caller]
fn check(query: &PageQuery, expected: &str) {
    assert_eq!(show(&five().page(query, |_| true).unwrap()), expected);
}

#[test]
fn after_goes_on_and_before_goes_back() {
    let (asc, desc) = (Order::Asc, Order::Desc);
    check(&query(desc, 2, None, None), "5 4 | before - | after 4");
    check(
        &query(desc, 2, None, Some("row_4")),
        "3 2 | before 3 | after 2",
    );
    check(
        &query(desc, 2, None, Some("row_2")),
        "1 | before 1 | after -",
    );
    check(
        &query(desc, 2, None, Some("row_1")),
        " | before - | after -",
    );
    check(
        &query(asc, 2, None, Some("row_2")),
        "3 4 | before 3 | after 4",
    );
    // Before gives the page that ends at the cursor, not the first one of all that precedes it.
    check(
        &query(desc, 2, Some("row_1"), None),
        "3 2 | before 3 | after 2",
    );
    check(
        &query(asc, 2, Some("row_5"), None),
        "3 4 | before 3 | after 4",
    );
    check(
        &query(asc, 9, Some("row_3"), None),
        "1 2 | before - | after 2",
    );
    check(
        &query(asc, 2, Some("row_5"), Some("row_1")),
        "2 3 | before 2 | after 3",
    );
    check(
        &query(asc, 2, Some("row_1"), Some("row_5")),
        " | before - | after -",
    );
}

#[test]
fn normal_is_newest_first_with_the_cursors_turned_round() {
    let normal = Order::Normal;
    check(&query(normal, 2, None, None), "5 4 | before 4 | after -");
    check(
        &query(normal, 2, Some("row_4"), None),
        "3 2 | before 2 | after 3",
    );
    check(
        &query(normal, 2, None, Some("row_2")),
        "4 3 | before 3 | after 4",
    );
}

#[test]
fn an_unknown_cursor_is_refused() {
    for (before, after) in [(Some("row_9"), None), (None, Some("row_9"))] {
        let refusal = five()
            .page(&query(Order::Desc, 2, before, after), |_| true)
            .unwrap_err();
        assert_eq!(refusal.status(), 422);
    }
}

#[test]
fn filters_and_owners_narrow_the_neighbours_too() {
    let table = five();
    let odd = |row: &Row| row.owner == "org_1";
    let query = query(Order::Asc, 2, None, None);
    let filtered = table.page(&query, odd).unwrap();
    let owned = table.page_owned_by("org_1", &query, |_| true).unwrap();
    assert_eq!(show(&filtered), "1 3 | before - | after 3");
    assert_eq!(filtered, owned);
    let nobody = table.page_owned_by("org_7", &query, |_| true).unwrap();
    assert_eq!(show(&nobody), " | before - | after -");
}

#[test]
fn what_is_removed_is_gone_from_every_index() {
    let mut table = five();
    assert_eq!(table.remove("row_3").unwrap().id, "row_3");
    assert!(table.remove("row_3").is_none());
    assert!(table.find("row_3").is_err());
    assert_eq!(table.owned_by("org_1").count(), 2);
    table.keep_newest(2);
    let left: Vec<_> = table.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(left, ["row_4", "row_5"]);
}

#[test]
fn of_two_objects_with_one_id_the_later_stands() {
    let mut table: Table<Row> = [row(1, 1), row(1, 2)].into_iter().collect();
    assert_eq!(table.len(), 1);
    assert!(table.forget_before(row(0, 3).created_at));
    assert_eq!(table.len(), 0);
}

/// Reads a list to its end, forwards or backwards.
fn read_all(table: &Table<Row>, order: Order, limit: usize, backwards: bool) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut cursor = None;
    if backwards {
        // Begin behind the last object, as a reader who has come to the end.
        let whole = table.page(&query(order, usize::MAX, None, None), |_| true);
        let Some(last) = whole.unwrap().data.last().map(|row| row.id.clone()) else {
            return all;
        };
        all.push(last.clone());
        cursor = Some(last);
    }
    loop {
        let (before, after) = if backwards {
            (cursor.as_deref(), None)
        } else {
            (None, cursor.as_deref())
        };
        let page = table
            .page(&query(order, limit, before, after), |_| true)
            .unwrap();
        assert!(page.data.len() <= limit);
        let ids = page.data.iter().map(|row| row.id.clone());
        if backwards {
            all.extend(ids.rev());
            cursor = page.before;
        } else {
            all.extend(ids);
            cursor = page.after;
        }
        if cursor.is_none() {
            break;
        }
    }
    if backwards {
        all.reverse();
    }
    all
}

proptest! {
    #[test]
    fn paging_gives_every_object_once_and_in_order(
        times in prop::collection::vec(0_i64..6, 0..40),
        limit in 1_usize..12,
        newest_first: bool,
        backwards: bool,
    ) {
        let numbered = (0_i64..).zip(&times);
        let table: Table<Row> = numbered.map(|(number, time)| row(number, *time)).collect();
        let mut expected: Vec<String> = table.iter().map(|row| row.id.clone()).collect();
        let order = if newest_first {
            expected.reverse();
            Order::Desc
        } else {
            Order::Asc
        };
        prop_assert_eq!(read_all(&table, order, limit, backwards), expected);
    }
}
