//! The timeline service's contract.

use super::{
    Contract,
    call::{Call, For, NOT_AUTHOR, NOT_FOUND},
};
use crate::wire::{Counts, Following, Post, PostInput};
use schemas::Page;

pub(super) fn describe(contract: &mut Contract) -> &'static str {
    posts(contract);
    follows(contract);
    super::deletion::describe(
        contract,
        "Their posts with the likes of them, their likes, and whom they follow and who follows them.",
    );
    "Posts, their likes, and who follows whom. It knows members and recipes by id only, and takes the gateway's word that \
     they exist."
}

fn posts(contract: &mut Contract) {
    let page = contract.list_of::<Page<Post>, Post>("PostPage");
    contract.add(
        Call::get("/timeline", "timeline", "Posts of the acting user and of those whom they follow")
            .walked_by_cursor()
            .answers(page.clone(), "Newest first."),
    );
    contract.add(
        Call::get("/members/{id}/posts", "memberPosts", "Posts of one member")
            .made_for(For::Anyone)
            .walked_by_cursor()
            .answers(page, "Newest first; none for a member who is not known."),
    );
    let (post, input) = (contract.answer::<Post>(), contract.input::<PostInput>());
    contract.add(Call::post("/posts", "createPost", "Write a post").takes(input).makes(post, "The post."));
    contract.add(
        Call::delete("/posts/{id}", "deletePost", "Delete a post of the acting user")
            .refuses([NOT_AUTHOR, NOT_FOUND]),
    );
    contract.add(
        Call::put("/posts/{id}/like", "likePost", "Like a post")
            .about("Again changes nothing.")
            .refuses([NOT_FOUND]),
    );
    contract.add(
        Call::delete("/posts/{id}/like", "unlikePost", "Take a like back")
            .about("Again changes nothing.")
            .refuses([NOT_FOUND]),
    );
}

fn follows(contract: &mut Contract) {
    let following = contract.answer::<Following>();
    contract.add(
        Call::get("/follows/{memberId}", "following", "Whether the acting user follows a member")
            .answers(following, "Whether they do."),
    );
    contract.add(
        Call::put("/follows/{memberId}", "follow", "Follow a member")
            .about("Again changes nothing. One's own account cannot be followed: 422."),
    );
    contract.add(
        Call::delete("/follows/{memberId}", "unfollow", "Follow a member no more")
            .about("Again changes nothing."),
    );
    let counts = contract.answer::<Counts>();
    contract.add(
        Call::get(
            "/members/{id}/counts",
            "counts",
            "How much a member has written, and how they are connected",
        )
        .made_for(For::Anyone)
        .answers(counts, "All 0 for a member who is not known."),
    );
}
