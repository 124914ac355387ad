/** What the name of a file says of the text in it. */
export interface TextForm {
  /** Has lines of names and values, and the values stand there without quotes. */
  isSettings: boolean;
  /** Shows how such a file looks, or tests something: most passwords in it are made up. */
  isMadeUp: boolean;
}

export const anyText: TextForm = { isSettings: false, isMadeUp: false };

const settings =
  /^[^.]*$|^\.[^.]+$|^(?:\.|docker)?env|^dockerfile|\.(?:env|ini|cfg|conf|config|cnf|toml|ya?ml|properties|props|prefs|rc|tfvars|auto|sh|bash|zsh|fish|ps1|bat|cmd|txt|local|secrets?|service|dockerfile|sbatch|slurm)$/;

const sample =
  /[.-](?:examples?|samples?|templates?|tmpl|tpl|dist|schema|defaults?|j2|jinja2?)(?:[.-]|$)|^(?:examples?|samples?|templates?)[._-]/;
const test =
  /(?:^|\/)(?:tests?|testing|testdata|__tests__|fixtures?|specs?|mocks?|e2e)\/|(?:^|\/)(?:conftest\.py$|test[_-][^/]*$)|[._-](?:tests?|spec|fixtures?|mocks?)\.[^/]*$/;

export function formOf(path: string): TextForm {
  const lower = path.toLowerCase();
  const name = lower.slice(lower.lastIndexOf('/') + 1);
  return { isSettings: settings.test(name), isMadeUp: sample.test(name) || test.test(lower) };
}
