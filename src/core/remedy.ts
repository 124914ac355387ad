/**
 * An act that helps a person out of a failure or a finding, as a value: what to do and to what. Each face has its own
 * form of it, the command line a command and the editor a button, so no sentence of core has the words of either.
 */
export type Remedy =
  | { do: 'attach'; job: string }
  | { do: 'cancel'; job: string }
  /** `keep` answers beforehand what is to become of results that differ here and there. */
  | { do: 'fetch'; job: string; keep?: 'theirs' | 'both' }
  /** Runs a project; without a file the one at hand. */
  | { do: 'run'; file?: string; profile?: string; from?: string }
  /** Does the same again, and lets the folder fill the project on the volume from here on. */
  | { do: 'adopt' }
  /** Does the same again, with what is done about data on the volume that is not here any more. */
  | { do: 'answer-gone'; answer: 'remove' | 'keep' }
  | { do: 'show-jobs' }
  | { do: 'find-unused' }
  /** Compares the data centers for a project; without a file the one at hand. */
  | { do: 'regions'; file?: string }
  /** `to` is a data center, or the name or id of a volume. */
  | { do: 'move'; volume: string; to?: string; replace?: true; way?: 'this-machine' | 's3' }
  | { do: 'sign-in' }
  | { do: 'set-s3-keys' }
  | { do: 'set-secret'; name: string }
  | { do: 'set-python' }
  | { do: 'set-end-key-secret' }
  | { do: 'set-api-address' }
  | { do: 'set-s3-address' };

export type RemedyKind = Remedy['do'];
