/** A word in the forms that its language counts with. `other` serves where a form is missing. */
export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string };

/** How one language counts and enumerates. */
export function words(locale: string) {
  const rules = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  const lists = new Intl.ListFormat(locale, { type: "conjunction" });
  const form = (count: number, forms: Forms) => forms[rules.select(count)] ?? forms.other;
  return {
    number: (count: number) => numbers.format(count),
    /** The form alone. */
    form,
    /** The number and the form that goes with it. */
    plural: (count: number, forms: Forms) => `${numbers.format(count)} ${form(count, forms)}`,
    list: (names: readonly string[]) => lists.format(names),
  };
}
