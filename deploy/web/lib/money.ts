/** An amount of money: an integer in the currency's minor unit. */
export function money(amount: number, currency: string, language: string): string {
  const format = new Intl.NumberFormat(language, { style: "currency", currency });
  const { maximumFractionDigits = 0 } = format.resolvedOptions();
  return format.format(amount / 10 ** maximumFractionDigits);
}

/** What so much of an ingredient costs: `round_half_up(amount × price / per)`, in thousandths so that nothing is lost. */
export function costOf(amount: number, price: number, per: number): number {
  const thousandths = (value: number) => BigInt(Math.round(value * 1000));
  const [above, below] = [thousandths(amount) * BigInt(price) * 2n + thousandths(per), thousandths(per) * 2n];
  return below === 0n ? 0 : Number(above / below);
}
