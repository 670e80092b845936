//! Broken declarations: each mistake is named with file, line and key.

use super::{read, shop, shop_files};

/// Changes one line of a file of the shop and tells what is said of it: the line's number is expected.
fn broken(file: &str, line: &str, with: &str) -> String {
    let mut files = shop_files();
    let text = &mut files.iter_mut().find(|(name, _)| name == file).expect("a file").1;
    let number = text.lines().position(|one| one == line).unwrap_or_else(|| panic!("{line} in {file}")) + 1;
    *text = text.replacen(&format!("{line}\n"), &format!("{with}\n"), 1);
    let mistakes = read(&files).expect_err(with);
    let here = |mistake: &&crate::declare::Mistake| {
        mistake.spot.file.ends_with(file)
            && (mistake.spot.line as usize).abs_diff(number) <= with.matches('\n').count()
    };
    let told: Vec<String> = mistakes
        .0
        .iter()
        .filter(here)
        .map(|mistake| format!("{}: {}", mistake.spot.key, mistake.what))
        .collect();
    assert!(!told.is_empty(), "{with}: {mistakes}");
    told.join("\n")
}

#[test]
fn mistakes_of_screens_are_named() {
    let file = "screens/order.toml";
    for (line, with, expected) in [
        ("share = 0.7", "share = 7", "parts.order.share: must be a number"),
        ("share = 0.7", "shar = 0.7", "did you mean `share`?"),
        (
            "get = \"orders:/orders/{id}\"",
            "get = \"orders:/ordres/{id}\"",
            "parts.order.get: the contract has no such path",
        ),
        (
            "get = \"orders:/orders/{id}\"",
            "get = \"order:/orders/{id}\"",
            "there is no upstream `order`; did you mean `orders`?",
        ),
        (
            "get = \"orders:/orders/{id}\"",
            "get = \"orders:/orders/{ids}\"",
            "{ids}: there is no parameter or part of that name; did you mean `id`?",
        ),
        (
            "get = \"orders:/orders/{id}/history?limit={limit}&cursor={cursor}\"",
            "get = \"orders:/orders/{id}/history?limits={limit}&cursor={cursor}\"",
            "has no query parameter `limits`; did you mean `limit`?",
        ),
        (
            "get = \"orders:/warehouses/{order.warehouseId}\"",
            "get = \"orders:/warehouses/{order.lines}\"",
            "this is no id",
        ),
        (
            "get = \"orders:/warehouses/{order.warehouseId}\"",
            "get = \"orders:/warehouses/{warehouse.id}\"",
            "waits for itself",
        ),
        ("tags = [\"order:{id}\"]", "tags = [\"ordr:{id}\"]", "there are no tags of the kind `ordr`"),
        (
            "tags_of = [\"item:lines[].itemId\"]",
            "tags_of = [\"item:lines[].item\"]",
            "is not in the contract",
        ),
        (
            "else = '{\"items\": [], \"nextCursor\": null}'",
            "else = '{\"items\": []}'",
            "does not fit the contract",
        ),
        ("page = \"cursor\"", "page = \"curser\"", "there is no parameter `curser`"),
        (
            "of = [\"order.lines[].item.supplierId\"]",
            "of = [\"order.lines[].item.suplierId\"]",
            "is not in the contract",
        ),
        ("of = [\"order.lines[].itemId\"]", "of = [\"order.lines[].item.id\"]", "waits for itself"),
        ("as = \"item\"", "as = \"count\"", "has a field `count` already"),
        ("lookup = \"item\"", "lookup = \"items\"", "there is no look-up `items`; did you mean `item`?"),
        (
            "events = \"history.items\"",
            "events = \"history.item\"",
            "document.events: `item` is not in the contract",
        ),
        (
            "at_most = { events = 5 }",
            "at_most = { event = 5 }",
            "the document has no field `event`; did you mean `events`?",
        ),
        (
            "at_least_one = [[\"lines\", \"events\"]]",
            "at_least_one = [[\"line\", \"events\"]]",
            "the document has no field `line`",
        ),
        (
            "path = \"/bff/orders/{id}\"",
            "path = \"/auth/{id}\"",
            "overlaps with `/auth/**` of the gateway's own",
        ),
        ("path = \"/bff/orders/{id}\"", "path = \"/api/orders/{order}\"", "path: "),
        ("required = true", "required = true\nunknown = 1\n", "parts.order.unknown: there is no such key"),
    ] {
        let told = broken(file, line, with);
        assert!(told.contains(expected), "{with}\n{told}");
    }
}

#[test]
fn mistakes_of_routes_and_the_gateway_are_named() {
    for (file, line, with, expected) in [
        (
            "routes/orders.toml",
            "body = \"OrderInput\"",
            "body = \"OrderInputs\"",
            "has no schema `OrderInputs`; did you mean `OrderInput`?",
        ),
        (
            "routes/orders.toml",
            "body = \"OrderInput\"",
            "body = \"OrderInput\"\nfiles = { photoKey = \"image\" }",
            "files.photoKey: the body has no field `photoKey`",
        ),
        (
            "routes/orders.toml",
            "body = \"OrderInput\"",
            "body = \"OrderInput\"\nfiles = { note = \"picture\" }",
            "`picture` must be `image` or `file`",
        ),
        (
            "routes/orders.toml",
            "drops = [\"order:{response.id}\"]",
            "drops = [\"orders\"]",
            "a bare kind would drop documents of all users",
        ),
        (
            "routes/orders.toml",
            "drops = [\"order:{response.id}\"]",
            "drops = [\"order:{response.no}\"]",
            "is not in the contract",
        ),
        (
            "routes/orders.toml",
            "add = { author = \"user.card\" }",
            "add = { lines = \"user.card\" }",
            "has a field `lines` already",
        ),
        (
            "routes/orders.toml",
            "recall = { order = \"order_of:{id}\" }",
            "recall = { order = \"order_for:{id}\" }",
            "nothing is remembered in `order_for`",
        ),
        (
            "routes/orders.toml",
            "stream = true",
            "stream = true\npick = [\"id\"]",
            "a stream is not looked into",
        ),
        (
            "routes/orders.toml",
            "path = \"/api/lines/{id}\"",
            "path = \"/api/lines/{line}\"",
            "the parameter `line` is used by nothing",
        ),
        ("routes/orders.toml", "path = \"/api/orders\"", "path = \"/files/orders\"", "of the gateway's own"),
        ("gateway.toml", "audience = \"customers\"", "audience = \"orders\"", "is the audience of `orders`"),
        ("gateway.toml", "key = \"id\"", "key = \"no\"", "lookups.item.key: `no` is not in the contract"),
        ("gateway.toml", "from = \"items[]\"", "from = \"items\"", "names no list"),
        (
            "gateway.toml",
            "contract = \"customers.yaml\"",
            "contract = \"none.yaml\"",
            "upstreams.customers.contract: cannot be read",
        ),
        ("gateway.toml", "open = [\"order\"]", "open = [\"Order\"]", "is no kind"),
        (
            "gateway.toml",
            "tag = \"supplier\"",
            "tag = \"suppliers\"",
            "there are no tags of the kind `suppliers`",
        ),
        (
            "gateway.toml",
            "url = \"http://127.0.0.1:9201\"",
            "url = \"ftp://x\"",
            "must be an http or https URL",
        ),
        ("gateway.toml", "[lookups.supplier]", "[lookups.supplier", "TOML: "),
    ] {
        let told = broken(file, line, with);
        assert!(told.contains(expected), "{with}\n{told}");
    }
}

#[test]
fn a_file_that_is_wrong_in_twenty_ways_has_twenty_mistakes() {
    let mut files = shop_files();
    files[1].1 = include_str!("twenty.toml").to_owned();
    let mistakes = read(&files).expect_err("twenty mistakes");
    let here: Vec<_> =
        mistakes.0.iter().filter(|mistake| mistake.spot.file.ends_with("order.toml")).collect();
    let wrong: Vec<usize> = files[1]
        .1
        .lines()
        .enumerate()
        .filter(|(_, line)| line.ends_with("# wrong"))
        .map(|(place, _)| place + 1)
        .collect();
    assert_eq!(wrong.len(), 20);
    let lines: Vec<usize> = here.iter().map(|mistake| mistake.spot.line as usize).collect();
    assert_eq!(lines, wrong, "{mistakes}");
    let shown = here[0].to_string();
    assert!(shown.contains("order.toml:1: ") && shown.contains(": "), "{shown}");
}

#[test]
fn a_folder_without_declarations_is_a_mistake() {
    let told = super::Declarations::from_dir(shop().join("nowhere")).expect_err("nothing").to_string();
    assert!(told.contains("gateway.toml:1: "), "{told}");
}

#[test]
fn a_screen_without_a_sound_path_is_checked_all_the_same() {
    for (path, told) in [
        ("path = \"bff/x/{id}\"", "is no path: it begins with `/`"),
        ("", "is missing"),
        ("path = \"/a//b\"", "empty"),
    ] {
        let mut files = shop_files();
        let text = format!(
            "{path}\naccess = \"open\"\n[params]\nid = {{ in = \"path\", type = \"id\" }}\n[parts.a]\nget = \"orders:/ordres/{{id}}\"\n"
        );
        files[1].1 = text;
        let mistakes = read(&files).expect_err("two mistakes");
        let here: Vec<String> = mistakes
            .0
            .iter()
            .filter(|mistake| mistake.spot.file.ends_with("order.toml"))
            .map(|mistake| format!("{}: {}", mistake.spot.key, mistake.what))
            .collect();
        assert_eq!(here.len(), 2, "{mistakes}");
        assert!(here[0].starts_with("path: ") && here[0].contains(told), "{here:?}");
        assert!(here[1].starts_with("parts.a.get: "), "{here:?}");
    }
}

#[test]
fn mistakes_in_how_members_leave_are_named() {
    let line = "card = [\"id\", \"displayName\"]";
    for (with, expected) in [
        ("delete = [\"orders\"]", "accounts.delete: "),
        ("delete = [\"order:/lines/{id}\"]", "there is no upstream `order`; did you mean `orders`?"),
        ("delete = [\"orders:/line/{id}\"]", "accounts.delete: the contract has no such path"),
        ("delete = [\"orders:/orders/{id}\"]", "the contract has no DELETE /orders/{id}"),
        ("export = { me = \"orders:/orders/mine\" }", "{id} is missing in its path"),
        ("export = { me = \"orders:/orders/{order}\" }", "the path of such a call has {id} alone"),
        ("export = { me = \"orders:/orders/{id}\" }", "the answer has no list `items`"),
        ("export = { me = \"orders:/orders/{id}?cursor={cursor}\" }", "has no query parameter `cursor`"),
        ("export = { me = \"orders:/orders/{id}?a={id}\" }", "the query of such a call has {cursor} alone"),
        ("export = { \"m e\" = \"orders:/orders/{id}\" }", "is no name"),
        ("export = [\"orders:/orders/{id}\"]", "accounts.export: must be"),
        ("drops = [\"customer:{id}\"]", "is of no use without `delete`"),
        (
            "delete = [\"orders:/lines/{id}\"]\ndrops = [\"nothing:{id}\"]",
            "there are no tags of the kind `nothing`",
        ),
        (
            "delete = [\"orders:/lines/{id}\"]\ndrops = [\"customer\"]",
            "a bare kind would drop documents of all users",
        ),
        (
            "delete = [\"orders:/lines/{id}\"]\ndrops = [\"customer:{user.id}\"]",
            "a tag of a member is `KIND:{id}`",
        ),
    ] {
        let told = broken("gateway.toml", line, &format!("{line}\nupstream = \"orders\"\n{with}"));
        assert!(told.contains(expected), "{with}: {told}");
    }
}
