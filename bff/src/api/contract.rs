//! What `/api` and the keys promise their callers. Beside the handlers, and in the order of the route table.

use schemas::{
    Comment, CommentInput, CommentWithAuthor, Ingredient, Items, KeySet, Me, MemberPatch, NumberedPage, Page,
    Post, PostInput, RecipeCardWithAuthor, RecipeForm, RecipeInput, RecipeWithAuthor,
};
use utoipa::openapi::{ResponseBuilder, Schema};

use super::refusals::refusal_named;
use crate::{
    edge::{
        Access, AnswerHeader, ApiError, Contract, Operation, any_text, choice, number, text, text_matching,
        upstream_problems,
    },
    idempotency::{IN_FLIGHT, INVALID, REUSED, UNKNOWN},
};

const RECIPES: &str = "recipes";
const COMMENTS: &str = "comments";
const POSTS: &str = "posts";
const MEMBERS: &str = "members";

/// Longest text to search for, in characters.
const MAX_SEARCH: usize = 200;

/// What may stand in `q`.
fn searched() -> Schema {
    text_matching(&format!("^[^\\u0000-\\u001f\\u007f-\\u009f\\ufffd]{{0,{MAX_SEARCH}}}$"))
}

/// Adds the operations of this module.
pub fn describe(contract: &mut Contract) {
    contract.tag(RECIPES, "Recipes and what they cost; ingredients and their prices.");
    contract.tag(COMMENTS, "Comments on recipes.");
    contract.tag(POSTS, "Posts of the timeline.");
    contract.tag(MEMBERS, "Who follows whom; one's own profile.");
    recipes(contract);
    recipe_writes(contract);
    comments(contract);
    posts(contract);
    members(contract);
    describe_accounts(contract);
}

/// Adds the operations by which people sign in, and the keys.
pub fn describe_accounts(contract: &mut Contract) {
    super::auth::describe(contract);
    super::oidc::describe(contract);
    contract.tag("keys", "What others verify our tokens with.");
    let keys = contract.shape::<KeySet>();
    contract.add(
        Operation::get("/.well-known/jwks.json", "readKeys")
            .is("keys", Access::Public, "The keys that verify service and access tokens")
            .about(
                "A JWK set (RFC 7517). A new key is published before it signs anything. Charged to nobody.",
            )
            .free()
            .answers_shaped(200, "The public keys.", keys),
    );
}

/// A read that asks an upstream.
fn read(path: &'static str, id: &'static str) -> Operation {
    Operation::get(path, id)
        .header("If-None-Match", any_text(), "Validators of what the caller has.")
        .answers_with(304, ResponseBuilder::new().description("The caller has it."))
        .bears(200, [AnswerHeader::ETag.always()])
        .bears(304, [AnswerHeader::ETag.always()])
        .fails_with(upstream_problems())
        .fails(refusal_named("forbidden"))
}

/// A write that asks an upstream.
fn write(operation: Operation) -> Operation {
    // What it speaks of may be gone, also where the path does not name it, or be refused for a reason of the service's.
    let refused = [refusal_named("forbidden"), ApiError::NotFound, ApiError::Invalid(Vec::new())];
    operation.fails_with(upstream_problems()).fails_with(refused)
}

/// A POST that is carried out once for each key, and answers 201 with where its result is.
fn create(path: &'static str, id: &'static str) -> Operation {
    write(Operation::post(path, id))
        .once()
        .bears(201, [AnswerHeader::Location.always()])
        .fails_with([INVALID, IN_FLIGHT, UNKNOWN, REUSED])
}

fn not_author() -> ApiError {
    refusal_named("not_author")
}

fn recipes(contract: &mut Contract) {
    let page = contract.shape_named::<NumberedPage<RecipeCardWithAuthor<'_>>>("RecipeList");
    contract.add(
        read("/api/recipes", "listRecipes")
            .is(RECIPES, Access::Open, "List and search recipes")
            .query("q", searched(), "Words in titles, texts and names of ingredients.")
            .query("page", number(1, u32::MAX, 1), "Which page.")
            .query("pageSize", number(1, 100, 10), "How many on each.")
            .query("sort", choice(["new", "popular"]), "Which come first.")
            .answers_shaped(200, "A page of recipes with their authors.", page)
            .leads_to(
                "/items/0/id",
                "id",
                ["readRecipe", "recipePage", "likeRecipe", "unlikeRecipe", "listComments", "createComment"],
            )
            .leads_to("/items/0/authorId", "id", ["memberPage"])
            .leads_to("/items/0/authorId", "memberId", ["follow", "unfollow"]),
    );
    let whole = contract.shape::<RecipeWithAuthor<'_>>();
    contract.add(
        read("/api/recipes/{id}", "readRecipe")
            .is(RECIPES, Access::Open, "One recipe with what it costs")
            .at_id("id", "The recipe.")
            .answers_shaped(200, "The recipe with its author.", whole),
    );
    let form = contract.shape::<RecipeForm>();
    contract.add(
        read("/api/recipes/{id}/form", "readRecipeForm")
            .is(RECIPES, Access::SignedIn, "A recipe of mine as I edit it")
            .at_id("id", "The recipe.")
            .answers_shaped(200, "What `PUT /api/recipes/{id}` takes, and the recipe's id.", form)
            .fails(not_author()),
    );
    contract.shape::<Ingredient>();
    let list = contract.shape_named::<Items<Ingredient>>("IngredientList");
    contract.add(
        read("/api/ingredients", "listIngredients")
            .is(RECIPES, Access::Open, "What can be bought, with its price")
            .about("`price` buys `per` units.")
            .query("q", searched(), "Part of the name.")
            .answers_shaped(200, "The ingredients.", list),
    );
}

fn recipe_writes(contract: &mut Contract) {
    let (whole, input) = (contract.shape::<RecipeWithAuthor<'_>>(), contract.input::<RecipeInput>());
    contract.add(
        create("/api/recipes", "createRecipe")
            .is(RECIPES, Access::SignedIn, "Publish a recipe")
            .takes(input.clone())
            .answers_shaped(201, "The recipe and what it costs.", whole.clone())
            .leads_to(
                "/id",
                "id",
                [
                    "readRecipe",
                    "recipePage",
                    "readRecipeForm",
                    "replaceRecipe",
                    "deleteRecipe",
                    "createComment",
                ],
            ),
    );
    contract.add(
        write(Operation::put("/api/recipes/{id}", "replaceRecipe"))
            .is(RECIPES, Access::SignedIn, "Replace a recipe of mine")
            .at_id("id", "The recipe.")
            .takes(input)
            .answers_shaped(200, "The recipe as it is now.", whole)
            .fails(not_author()),
    );
    contract.add(
        write(Operation::delete("/api/recipes/{id}", "deleteRecipe"))
            .is(RECIPES, Access::SignedIn, "Delete a recipe of mine")
            .about("Its likes and comments go with it.")
            .at_id("id", "The recipe.")
            .answers_nothing("It is gone.")
            .fails(not_author()),
    );
    let liking = [
        (
            Operation::put("/api/recipes/{id}/like", "likeRecipe"),
            "Like a recipe",
            "It is liked, also if it was before.",
        ),
        (
            Operation::delete("/api/recipes/{id}/like", "unlikeRecipe"),
            "Take a like back",
            "It is not liked, also if it was not before.",
        ),
    ];
    for (operation, summary, done) in liking {
        contract.add(
            write(operation)
                .is(RECIPES, Access::SignedIn, summary)
                .at_id("id", "The recipe.")
                .answers_nothing(done)
                .fails(refusal_named("own_recipe")),
        );
    }
}

fn comments(contract: &mut Contract) {
    contract.shape::<Comment>();
    let page = contract.shape_named::<Page<CommentWithAuthor<'_>>>("CommentPage");
    let (one, input) = (contract.shape::<CommentWithAuthor<'_>>(), contract.input::<CommentInput>());
    contract.add(
        read("/api/recipes/{id}/comments", "listComments")
            .is(COMMENTS, Access::Open, "Comments on a recipe, oldest first")
            .at_id("id", "The recipe.")
            .query("limit", number(1, 100, 20), "How many.")
            .query("cursor", text(512), "`nextCursor` of the page before.")
            .answers_shaped(200, "Comments with their authors.", page)
            .leads_to("/items/0/id", "id", ["likeComment", "unlikeComment"]),
    );
    contract.add(
        create("/api/recipes/{id}/comments", "createComment")
            .is(COMMENTS, Access::SignedIn, "Comment on a recipe")
            .at_id("id", "The recipe.")
            .takes(input.clone())
            .answers_shaped(201, "The comment.", one.clone())
            .leads_to("/id", "id", ["editComment", "deleteComment", "likeComment", "unlikeComment"]),
    );
    contract.add(
        write(Operation::put("/api/comments/{id}", "editComment"))
            .is(COMMENTS, Access::SignedIn, "Change a comment of mine")
            .at_id("id", "The comment.")
            .takes(input)
            .answers_shaped(200, "The comment as it is now.", one)
            .fails(not_author()),
    );
    contract.add(
        write(Operation::delete("/api/comments/{id}", "deleteComment"))
            .is(COMMENTS, Access::SignedIn, "Delete a comment of mine")
            .at_id("id", "The comment.")
            .answers_nothing("It is gone.")
            .fails(not_author()),
    );
    for (operation, summary) in [
        (Operation::put("/api/comments/{id}/like", "likeComment"), "Like a comment"),
        (Operation::delete("/api/comments/{id}/like", "unlikeComment"), "Take a comment's like back"),
    ] {
        contract.add(
            write(operation)
                .is(COMMENTS, Access::SignedIn, summary)
                .at_id("id", "The comment.")
                .answers_nothing("It is so, also if it was before."),
        );
    }
}

fn posts(contract: &mut Contract) {
    let (post, input) = (contract.shape::<Post>(), contract.input::<PostInput>());
    contract.add(
        create("/api/posts", "createPost")
            .is(POSTS, Access::SignedIn, "Write a post")
            .takes(input)
            .answers_shaped(201, "The post.", post)
            .leads_to("/id", "id", ["deletePost", "likePost", "unlikePost"]),
    );
    contract.add(
        write(Operation::delete("/api/posts/{id}", "deletePost"))
            .is(POSTS, Access::SignedIn, "Delete a post of mine")
            .at_id("id", "The post.")
            .answers_nothing("It is gone.")
            .fails(not_author()),
    );
    for (operation, summary) in [
        (Operation::put("/api/posts/{id}/like", "likePost"), "Like a post"),
        (Operation::delete("/api/posts/{id}/like", "unlikePost"), "Take a post's like back"),
    ] {
        contract.add(
            write(operation)
                .is(POSTS, Access::SignedIn, summary)
                .at_id("id", "The post.")
                .answers_nothing("It is so, also if it was before."),
        );
    }
}

fn members(contract: &mut Contract) {
    for (operation, summary) in [
        (Operation::put("/api/follows/{memberId}", "follow"), "Follow a member"),
        (Operation::delete("/api/follows/{memberId}", "unfollow"), "Follow a member no more"),
    ] {
        contract.add(
            write(operation)
                .is(MEMBERS, Access::SignedIn, summary)
                .at_id("memberId", "The member.")
                .answers_nothing("It is so, also if it was before.")
                // One's own id.
                .fails(ApiError::Invalid(Vec::new())),
        );
    }
    let (me, patch) = (contract.shape::<Me>(), contract.input::<MemberPatch>());
    contract.add(
        read("/api/me", "readMe")
            .is(MEMBERS, Access::SignedIn, "My private profile")
            .answers_shaped(200, "My profile.", me.clone())
            // The account is gone, and the session is not yet.
            .fails(ApiError::NotFound),
    );
    contract.add(
        write(Operation::patch("/api/me", "changeMe"))
            .is(MEMBERS, Access::SignedIn, "Change my profile")
            .about("What is absent stays as it is.")
            .takes(patch)
            .answers_shaped(200, "My profile as it is now.", me),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_described_names_refusals_and_shapes_that_there_are() {
        let mut contract = Contract::default();
        describe(&mut contract);
        for shape in ["Recipe", "RecipeInput", "MemberCard", "CommentInput", "Amount"] {
            assert!(contract.schema(shape).is_some(), "{shape}");
        }
    }
}
