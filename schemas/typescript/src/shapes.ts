// The recipe book: short names for what its contract describes.

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
export type LiveCommand = Shapes["LiveCommand"];
