"use client";

import { createContext, useContext, type ReactNode } from "react";

import { DICTIONARIES, type Language, type Words } from "@/lib/words";

const Chosen = createContext<Language>("ko");

export function WordsProvider({ language, children }: { language: Language; children: ReactNode }) {
  return <Chosen value={language}>{children}</Chosen>;
}

export function useLanguage(): Language {
  return useContext(Chosen);
}

export function useWords(): Words {
  return DICTIONARIES[useLanguage()];
}
