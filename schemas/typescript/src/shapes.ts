// Short names for what the contract describes.

import type { components } from "./contract.js";

type Shapes = components["schemas"];

export type HomeFeed = Shapes["HomeFeed"];
export type HomeFeedCompact = Shapes["HomeFeedCompact"];
export type RecipePage = Shapes["RecipePage"];
export type RecipePageCompact = Shapes["RecipePageCompact"];
export type MemberPage = Shapes["MemberPage"];
export type MemberPageCompact = Shapes["MemberPageCompact"];
export type MePage = Shapes["MePage"];
export type MePageCompact = Shapes["MePageCompact"];
export type Me = Shapes["Me"];
export type Member = Shapes["Member"];
export type MemberCard = Shapes["MemberCard"];
export type RecipeCard = Shapes["RecipeCardWithAuthor"];
export type Recipe = Shapes["RecipeWithAuthor"];
export type RecipeForm = Shapes["RecipeForm"];
export type RecipeInput = Shapes["RecipeInput"];
export type Ingredient = Shapes["Ingredient"];
export type FeedPost = Shapes["FeedPost"];
export type Comment = Shapes["CommentWithAuthor"];
export type Degraded = Shapes["DegradedPart"];
export type LiveMessage = Shapes["LiveMessage"];
export type LiveCommand = Shapes["LiveCommand"];

/** Documents by the paths of their screens. */
export interface Screens {
  "/bff/home-feed": HomeFeed;
  "/bff/recipes/{id}": RecipePage;
  "/bff/members/{id}": MemberPage;
  "/bff/me": MePage;
}

/** The same for `?view=compact`. */
export interface CompactScreens {
  "/bff/home-feed": HomeFeedCompact;
  "/bff/recipes/{id}": RecipePageCompact;
  "/bff/members/{id}": MemberPageCompact;
  "/bff/me": MePageCompact;
}
