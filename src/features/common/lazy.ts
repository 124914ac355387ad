/** What is made at its first use and kept. A making that failed is not kept: the next use tries again. */
export function lazy<T>(make: () => Promise<T>): Lazy<T> {
  let made: Promise<T> | undefined;
  const get = (): Promise<T> => {
    if (made === undefined) {
      const making = make();
      made = making;
      making.catch(() => {
        made = made === making ? undefined : made;
      });
    }
    return made;
  };
  return Object.assign(get, { made: () => made });
}

export interface Lazy<T> {
  (): Promise<T>;
  /** The same where it was asked for already. */
  made(): Promise<T> | undefined;
}
