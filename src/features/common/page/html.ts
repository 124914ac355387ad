import type * as vscode from 'vscode';
import { randomBytes } from 'node:crypto';

/** A page of ours. Only our own script and style sheet load; nothing else does. */
export function pageHtml(
  vs: typeof vscode,
  webview: vscode.Webview,
  folder: vscode.Uri,
  { name, title }: { name: string; title: string },
): string {
  const nonce = randomBytes(18).toString('base64url');
  const script = webview.asWebviewUri(vs.Uri.joinPath(folder, `${name}.js`)).toString();
  const style = webview.asWebviewUri(vs.Uri.joinPath(folder, `${name}.css`)).toString();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'; form-action 'none'; base-uri 'none'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${style}">
<title>${title}</title>
</head>
<body>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}
