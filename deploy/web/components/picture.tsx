"use client";

import { getImageProps } from "next/image";
import { useCallback, useState, type ReactNode } from "react";

const FILES = "/files/";

interface Props {
  /** `photoUrl` or `avatarUrl` of the gateway. */
  src: string | null | undefined;
  look: string;
  /** In CSS pixels; the place has this shape before the picture is there. */
  width: number;
  height: number;
  /** How wide it is shown, where that depends on the window. */
  sizes?: string;
  /** In its place where there is none, or while it cannot be had. */
  children: ReactNode;
}

/** A picture in a size that fits its place and screen. It says nothing that does not stand beside it. */
export function Picture({ src, look, width, height, sizes, children }: Props) {
  const [failed, setFailed] = useState<string>();
  // It may have failed before anybody listened.
  const seen = useCallback(
    (image: HTMLImageElement | null) => {
      // One that the browser puts off is complete to it as well, but has no address yet.
      if (image?.complete && image.currentSrc !== "" && image.naturalWidth === 0) setFailed(image.dataset.of);
    },
    [],
  );
  if (!src || failed === src) return children;
  // Inline styles, which `next/image` would bring along, are not allowed here.
  const { style: _, ...image } = propsOf(src, width, height, sizes);
  return <img {...image} ref={seen} className={look} alt="" data-of={src} onError={() => setFailed(src)} />;
}

function propsOf(src: string, width: number, height: number, sizes: string | undefined) {
  const common = { alt: "", width, height, ...(sizes === undefined ? {} : { sizes }) };
  // What does not come from the gateway's files is shown as it is.
  if (!src.startsWith(FILES)) return { ...common, src, loading: "lazy" as const, style: undefined };
  return getImageProps({ ...common, src: `/pictures/${src.slice(FILES.length)}` }).props;
}
