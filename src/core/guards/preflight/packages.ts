/** Import names whose package has another name on the package index. */
const distributions: Record<string, string[]> = {
  attr: ['attrs'],
  bs4: ['beautifulsoup4'],
  cv2: ['opencv-python', 'opencv-python-headless', 'opencv-contrib-python'],
  dateutil: ['python-dateutil'],
  dotenv: ['python-dotenv'],
  faiss: ['faiss-cpu', 'faiss-gpu'],
  fitz: ['pymupdf'],
  flash_attn: ['flash-attn'],
  git: ['gitpython'],
  google: ['protobuf', 'google-cloud-storage'],
  grpc: ['grpcio'],
  hydra: ['hydra-core'],
  IPython: ['ipython'],
  jwt: ['pyjwt'],
  OpenSSL: ['pyopenssl'],
  PIL: ['pillow'],
  pkg_resources: ['setuptools'],
  pynvml: ['nvidia-ml-py', 'pynvml'],
  pytorch_lightning: ['pytorch-lightning', 'lightning'],
  serial: ['pyserial'],
  skimage: ['scikit-image'],
  sklearn: ['scikit-learn'],
  soundfile: ['soundfile', 'pysoundfile'],
  umap: ['umap-learn'],
  yaml: ['pyyaml'],
  absl: ['absl-py'],
  Bio: ['biopython'],
  Box2D: ['box2d-py', 'box2d'],
  clip: ['openai-clip', 'clip-anytorch'],
  community: ['python-louvain'],
  Crypto: ['pycryptodome'],
  Cython: ['cython'],
  discord: ['discord-py'],
  docx: ['python-docx'],
  ffmpeg: ['ffmpeg-python'],
  fla: ['flash-linear-attention'],
  googleapiclient: ['google-api-python-client'],
  haiku: ['dm-haiku'],
  ignite: ['pytorch-ignite'],
  imblearn: ['imbalanced-learn'],
  igraph: ['igraph', 'python-igraph'],
  jose: ['python-jose'],
  Levenshtein: ['levenshtein', 'python-levenshtein'],
  llama_cpp: ['llama-cpp-python'],
  magic: ['python-magic'],
  mpl_toolkits: ['matplotlib'],
  MySQLdb: ['mysqlclient'],
  nacl: ['pynacl'],
  open_clip: ['open-clip-torch'],
  pptx: ['python-pptx'],
  psycopg2: ['psycopg2', 'psycopg2-binary'],
  ruamel: ['ruamel-yaml'],
  skopt: ['scikit-optimize'],
  slugify: ['python-slugify'],
  speech_recognition: ['speechrecognition'],
  telegram: ['python-telegram-bot'],
  tree: ['dm-tree'],
  usb: ['pyusb'],
  websocket: ['websocket-client'],
  whisper: ['openai-whisper'],
  zmq: ['pyzmq'],
};

/** What well-known packages bring along, by name on the index; only what projects import themselves. */
const brings: Record<string, string[]> = {
  accelerate: ['numpy', 'torch', 'huggingface-hub', 'safetensors', 'pyyaml', 'psutil', 'packaging'],
  datasets: ['numpy', 'pandas', 'pyarrow', 'huggingface-hub', 'fsspec', 'tqdm', 'requests', 'dill', 'pyyaml', 'httpx'],
  ipykernel: ['ipython', 'jupyter-client', 'traitlets', 'psutil', 'packaging'],
  jupyterlab: ['ipykernel', 'ipython', 'nbformat', 'nbclient', 'requests'],
  lightning: ['torch', 'torchmetrics', 'tqdm', 'pyyaml', 'fsspec', 'packaging'],
  librosa: ['numpy', 'scipy', 'scikit-learn', 'numba', 'joblib', 'soundfile'],
  matplotlib: ['numpy', 'pillow', 'python-dateutil', 'packaging'],
  nbclient: ['nbformat', 'jupyter-client', 'traitlets'],
  pandas: ['numpy', 'python-dateutil', 'pytz'],
  peft: ['numpy', 'torch', 'transformers', 'accelerate', 'safetensors', 'huggingface-hub', 'tqdm', 'pyyaml'],
  'scikit-learn': ['numpy', 'scipy', 'joblib', 'threadpoolctl'],
  seaborn: ['numpy', 'pandas', 'matplotlib'],
  'sentence-transformers': ['transformers', 'torch', 'scikit-learn', 'scipy', 'huggingface-hub', 'pillow', 'tqdm'],
  torchvision: ['numpy', 'pillow', 'torch'],
  transformers: ['numpy', 'tokenizers', 'huggingface-hub', 'safetensors', 'pyyaml', 'regex', 'tqdm', 'packaging'],
  trl: ['transformers', 'accelerate', 'datasets', 'torch', 'peft'],
  wandb: ['requests', 'pyyaml', 'gitpython', 'psutil', 'protobuf', 'click'],
};

const everyImage = ['pip', 'setuptools', 'wheel', 'jupyterlab', 'psutil'];

/** Packages of RunPod's official images (github.com/runpod/containers, official-templates). */
const images: Record<'pytorch' | 'base', string[]> = {
  base: everyImage,
  pytorch: [
    ...everyImage,
    ...['torch', 'torchvision', 'torchaudio', 'triton', 'numpy', 'pillow', 'sympy', 'mpmath', 'networkx', 'jinja2'],
    ...['markupsafe', 'fsspec', 'filelock', 'typing-extensions'],
  ],
};

/** The one form of a name on the package index: `Typing_Extensions` → `typing-extensions`. */
export function indexName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

/** Everything that packages and an image provide, with what they are known to bring along. */
export function provided(requirements: readonly string[], image: 'pytorch' | 'base' | undefined): Set<string> {
  const all = new Set<string>();
  const open = [...requirements.map(indexName), ...(image === undefined ? [] : images[image])];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (!all.has(name)) {
      all.add(name);
      open.push(...(brings[name] ?? []));
    }
  }
  return all;
}

/** What makers add to the name of a package for a kind of machine or a language. */
const variant =
  /^(cpu|gpu|cu\d+|cuda\d*x?|rocm\d*|tpu|intel|metal|macos|headless|binary|nightly|lite|full|python|py|python3|bin)$/;
const makers = /^(python|py|openai|pytorch)$/;

/** Whether an import of this top-level name is among the packages; `brought` are those that brought it elsewhere. */
export function provides(packages: ReadonlySet<string>, importName: string, brought: readonly string[] = []): boolean {
  const names = [indexName(importName), ...(distributions[importName] ?? []), ...brought.map(indexName)];
  return names.some((name) => packages.has(name)) || [...packages].some((p) => names.some((n) => isVariant(p, n)));
}

/** `faiss-gpu-cu12` is a `faiss`, `openai-whisper` a `whisper`; a namespace such as `google` has many packages. */
function isVariant(name: string, plain: string): boolean {
  if (name.startsWith(`${plain}-`)) {
    const rest = name.slice(plain.length + 1).split('-');
    return namespaces.has(plain) || rest.every((part) => variant.test(part));
  }
  return name.endsWith(`-${plain}`) && makers.test(name.slice(0, -plain.length - 1));
}

const namespaces = new Set([
  'google',
  'azure',
  'opentelemetry',
  'backports',
  'jaraco',
  'zope',
  'sphinxcontrib',
  'nvidia',
]);

/** The package to install for an import. */
export function packageFor(importName: string): string {
  return distributions[importName]?.[0] ?? indexName(importName);
}
