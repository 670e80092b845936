import type { Comment } from "bff-client";

import { To } from "@/components/to";
import type { Voice } from "@/lib/language";

import { Avatar } from "./avatar";
import { LikeButton } from "./like-button";
import { OwnComment } from "./own-comment";
import { Time } from "./time";

interface Props {
  comments: readonly Comment[];
  me: string | undefined;
  voice: Voice;
}

export function CommentList({ comments, me, voice }: Props) {
  const { say } = voice;
  if (comments.length === 0) return <p className="calm">{say.noComments}</p>;
  return (
    <ol className="comments" data-testid="comments">
      {comments.map((comment) => (
        <li key={comment.id} className="card" data-testid="comment">
          <header className="who">
            <Avatar member={comment.author} />
            {comment.author ? (
              <To href={`/members/${comment.author.id}`}>{comment.author.displayName}</To>
            ) : (
              <span>{say.somebody}</span>
            )}
            <span className="faint">
              <Time of={comment.createdAt} voice={voice} />
              {comment.updatedAt === comment.createdAt ? null : ` · ${say.edited}`}
            </span>
          </header>
          {comment.author && comment.author.id === me ? (
            <OwnComment key={comment.body} id={comment.id} body={comment.body} />
          ) : (
            <p>{comment.body}</p>
          )}
          {me ? (
            <LikeButton kind="comments" id={comment.id} count={comment.likeCount} liked={comment.likedByMe} />
          ) : (
            <p className="faint">
              <span aria-hidden="true">♥</span> <span className="unseen">{say.likes}</span> {comment.likeCount}
            </p>
          )}
        </li>
      ))}
    </ol>
  );
}
