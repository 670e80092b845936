//! The recipe book, which is compiled in.

use crate::declare::Declarations;

#[test]
fn the_recipe_book_compiles() {
    let book = Declarations::recipe_book().unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let plan = book.compile();
    let names: Vec<&str> = plan.screens.iter().map(|screen| screen.name).collect();
    assert_eq!(names, ["home-feed", "me", "member", "recipe"]);
}
