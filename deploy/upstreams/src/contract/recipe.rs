//! The recipe service's contract.

use serde_json::json;

use super::{
    Contract,
    call::{Call, For, NOT_AUTHOR, NOT_FOUND, Refusal, number},
    reference,
};
use crate::wire::{Comment, CommentInput, Ingredient, Recipe, RecipeCard, RecipeForm, RecipeInput};
use schemas::{Items, NumberedPage, Page};

const OWN_RECIPE: Refusal = (403, "own_recipe", "One's own recipe cannot be liked.");

pub(super) fn describe(contract: &mut Contract) -> &'static str {
    super::deletion::describe(
        contract,
        "Their recipes with all that stands under them, also of others, and their likes and comments elsewhere.",
    );
    lists(contract);
    recipes(contract);
    comments(contract);
    "Recipes and what they cost, likes, comments, ingredients. It knows members by id only, and takes the gateway's word \
     that they exist.\n\nMoney is integers in the currency's minor unit (KRW has none). `cost = round_half_up(amount × price \
     / per)` for each ingredient, exact; `totalCost` is their sum; `costPerServing = round_half_up(totalCost / servings)`."
}

fn lists(contract: &mut Contract) {
    let page = contract.list_of::<NumberedPage<RecipeCard>, RecipeCard>("RecipePage");
    let searched = json!({ "type": "string", "maxLength": 200 });
    contract.add(
        Call::get("/recipes", "listRecipes", "List and search recipes")
            .made_for(For::Anyone)
            .query(
                "q",
                searched.clone(),
                "Words in titles, texts and names of ingredients, in any part of a word.",
            )
            .query("page", number(1, u32::MAX), "Which page.")
            .query("pageSize", number(10, 100), "How many on each.")
            .query(
                "sort",
                json!({ "type": "string", "enum": ["new", "popular"], "default": "new" }),
                "Newest or most liked first.",
            )
            .query("authorId", reference("schemas", "Id"), "Of one author alone.")
            .answers(page, "A page of cards."),
    );
    let cards = contract.list_of::<Items<RecipeCard>, RecipeCard>("RecipeCards");
    contract.add(
        Call::get("/recipes/cards", "recipeCards", "The cards of some recipes")
            .made_for(For::Anyone)
            .by_ids()
            .answers(cards.clone(), "Those that are known, in any order."),
    );
    contract.add(
        Call::get("/recipes/for-me", "recipesForMe", "Recipes picked for the acting user")
            .query("limit", number(10, 100), "How many.")
            .answers(cards, "The best first."),
    );
    let ingredients = contract.list_of::<Items<Ingredient>, Ingredient>("Ingredients");
    contract.add(
        Call::get("/ingredients", "ingredients", "What can be bought")
            .about("`price` buys `per` units: a 20,000 g sack of rice for 62,000.")
            .made_for(For::Anyone)
            .query("q", searched, "Part of the name.")
            .answers(ingredients, "By name."),
    );
}

fn recipes(contract: &mut Contract) {
    let (recipe, input) = (contract.answer::<Recipe>(), contract.input::<RecipeInput>());
    contract.add(
        Call::get("/recipes/{id}", "recipe", "A whole recipe")
            .made_for(For::Anyone)
            .answers(recipe.clone(), "The recipe.")
            .refuses([NOT_FOUND]),
    );
    contract.add(
        Call::post("/recipes", "createRecipe", "Make a recipe")
            .takes(input.clone())
            .makes(recipe.clone(), "The recipe and what it costs."),
    );
    contract.add(
        Call::put("/recipes/{id}", "replaceRecipe", "Replace a recipe of the acting user")
            .takes(input)
            .answers(recipe, "The recipe and what it costs now.")
            .refuses([NOT_AUTHOR, NOT_FOUND]),
    );
    contract.add(
        Call::delete("/recipes/{id}", "deleteRecipe", "Delete a recipe of the acting user")
            .about("Its likes and comments go with it.")
            .refuses([NOT_AUTHOR, NOT_FOUND]),
    );
    let form = contract.answer::<RecipeForm>();
    contract.add(
        Call::get("/recipes/{id}/form", "recipeForm", "A recipe as its author edits it")
            .answers(form, "What a replacement takes.")
            .refuses([NOT_AUTHOR, NOT_FOUND]),
    );
    contract.add(
        Call::put("/recipes/{id}/like", "likeRecipe", "Like a recipe")
            .about("Again changes nothing.")
            .refuses([OWN_RECIPE, NOT_FOUND]),
    );
    contract.add(
        Call::delete("/recipes/{id}/like", "unlikeRecipe", "Take a like back")
            .about("Again changes nothing.")
            .refuses([OWN_RECIPE, NOT_FOUND]),
    );
}

fn comments(contract: &mut Contract) {
    let page = contract.list_of::<Page<Comment>, Comment>("CommentPage");
    contract.add(
        Call::get("/recipes/{id}/comments", "comments", "Comments on a recipe")
            .made_for(For::Anyone)
            .walked_by_cursor()
            .answers(page, "Oldest first.")
            .refuses([NOT_FOUND]),
    );
    let (comment, input) = (contract.answer::<Comment>(), contract.input::<CommentInput>());
    contract.add(
        Call::post("/recipes/{id}/comments", "createComment", "Comment on a recipe")
            .takes(input.clone())
            .makes(comment.clone(), "The comment.")
            .refuses([NOT_FOUND]),
    );
    contract.add(
        Call::put("/comments/{id}", "editComment", "Give a comment of the acting user a new text")
            .takes(input)
            .answers(comment, "The comment.")
            .refuses([NOT_AUTHOR, NOT_FOUND]),
    );
    contract.add(
        Call::delete("/comments/{id}", "deleteComment", "Delete a comment of the acting user")
            .refuses([NOT_AUTHOR, NOT_FOUND]),
    );
    contract.add(
        Call::put("/comments/{id}/like", "likeComment", "Like a comment")
            .about("Again changes nothing.")
            .refuses([NOT_FOUND]),
    );
    contract.add(
        Call::delete("/comments/{id}/like", "unlikeComment", "Take a like back")
            .about("Again changes nothing.")
            .refuses([NOT_FOUND]),
    );
}
