//! What a recipe may look like.

use crate::{
    http::{Checks, Failure},
    wire::RecipeInput,
};

/// Everything that can be said without looking at the data.
pub(super) fn check(input: &RecipeInput) -> Result<(), Failure> {
    let mut checks = Checks::default();
    checks.text("title", &input.title, 1, 200);
    checks.text("body", &input.body, 1, 10_000);
    if !(1..=100).contains(&input.servings) {
        checks.refuse("servings", "out_of_range", "is not 1 to 100");
    }
    if !(1..=100).contains(&input.ingredients.len()) {
        checks.refuse("ingredients", "out_of_range", "are not 1 to 100");
    }
    for (place, line) in input.ingredients.iter().enumerate().take(100) {
        if line.amount.thousandths() == 0 {
            checks.refuse(&format!("ingredients[{place}].amount"), "out_of_range", "is not above 0");
        }
    }
    if let Some(key) = &input.photo_key {
        checks.file_key("photoKey", key);
    }
    checks.done()
}

#[cfg(test)]
mod tests {
    use crate::wire::RecipeInput;
    use serde_json::json;

    use super::check;

    #[test]
    fn a_recipe_has_its_limits() {
        let line = json!({"ingredientId": "rice", "amount": 1});
        let sound = json!({"title": "밥", "body": "b", "servings": 2, "ingredients": [line]});
        let with = |field: &str, value: serde_json::Value| {
            let mut input = sound.clone();
            input[field] = value;
            check(&serde_json::from_value::<RecipeInput>(input).expect("the shape"))
        };
        assert!(with("servings", json!(100)).is_ok());
        assert!(with("title", json!("밥".repeat(200))).is_ok());
        assert!(with("ingredients", json!(vec![&line; 100])).is_ok());
        for (field, value) in [
            ("servings", json!(0)),
            ("servings", json!(101)),
            ("title", json!("")),
            ("title", json!(" ")),
            ("title", json!("밥".repeat(201))),
            ("body", json!("b".repeat(10_001))),
            ("ingredients", json!([])),
            ("ingredients", json!(vec![&line; 101])),
            ("ingredients", json!([{"ingredientId": "rice", "amount": 0}])),
            ("photoKey", json!("../x")),
        ] {
            assert!(with(field, value.clone()).is_err(), "{field}: {value}");
        }
    }
}
