import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import vue from "eslint-plugin-vue";
import tseslint from "typescript-eslint";
import { importDirection } from "./scripts/eslint/import-direction.js";

const ENV_MESSAGE = "Only config/env.ts reads the environment; take what you need from Config.";

/** `test(...)` and its relatives return promises that the runner itself awaits. */
const NODE_TEST_CALLS = ["test", "it", "describe", "suite", "before", "after", "beforeEach", "afterEach"];

const TYPE_IMPORTS = ["error", { fixStyle: "separate-type-imports" }];
const UNUSED = ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true }];

/** Prettier does the layout. */
const LAYOUT = Object.entries(vue.rules ?? {}).filter(([, rule]) => "meta" in rule && rule.meta?.type === "layout");
const NO_LAYOUT = Object.fromEntries(
  [...LAYOUT.map(([name]) => name), "html-self-closing"].map((name) => [`vue/${name}`, "off"]),
);

export default defineConfig(
  globalIgnores(["**/dist/", "**/.build/", ".cache/", "coverage/", "data/", "bench/results/"]),
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    plugins: { im: { rules: { "import-direction": importDirection } } },
    rules: {
      "im/import-direction": ["error", { root: import.meta.dirname }],
      "no-console": "error",
      "no-restricted-properties": ["error", { object: "process", property: "env", message: ENV_MESSAGE }],
      "no-restricted-imports": [
        "error",
        { paths: ["process", "node:process"].map((name) => ({ name, importNames: ["env"], message: ENV_MESSAGE })) },
      ],
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-warning-comments": ["error", { terms: ["todo", "fixme", "xxx"] }],
    },
  },
  js.configs.recommended,
  {
    // What is refused in names and shown nowhere has to be written down somewhere.
    rules: { "no-control-regex": "off" },
  },
  {
    files: ["**/*.js"],
    languageOptions: { globals: { process: "readonly" } },
  },
  {
    files: ["examples/**/*.mjs"],
    languageOptions: { globals: { console: "readonly", crypto: "readonly", process: "readonly" } },
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: NODE_TEST_CALLS }] },
      ],
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/ban-ts-comment": ["error", { "ts-expect-error": "allow-with-description", "ts-ignore": true }],
      "@typescript-eslint/consistent-type-imports": TYPE_IMPORTS,
      "@typescript-eslint/no-import-type-side-effects": "error",
      "@typescript-eslint/no-unused-vars": UNUSED,
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/return-await": ["error", "in-try-catch"],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      // Implementations of asynchronous interfaces are asynchronous, whether they wait or not.
      "@typescript-eslint/require-await": "off",
      // It takes assertions at the edge of Moleculer's untyped calls for needless ones.
      "@typescript-eslint/no-unnecessary-type-assertion": "off",
      // `keyof T & string` of a contract is no mistake where the keys are known to be strings.
      "@typescript-eslint/no-redundant-type-constituents": "off",
    },
  },
  {
    // By their own text: with types each of them would cost a second. `npm run types` checks the types in them.
    files: ["web/**/*.vue"],
    extends: [tseslint.configs.recommended, vue.configs["flat/recommended"]],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
    rules: {
      ...NO_LAYOUT,
      "no-undef": "off",
      // Types say which props may be left out, and one word names some things well.
      "vue/require-default-prop": "off",
      "vue/multi-word-component-names": "off",
      "vue/block-lang": ["error", { script: { lang: "ts" } }],
      "vue/component-api-style": ["error", ["script-setup"]],
      // The page's policy forbids markup that is made of text, and styles that are written as text.
      "vue/no-v-html": "error",
      "vue/no-static-inline-styles": "error",
      "vue/no-template-target-blank": "error",
      "@typescript-eslint/consistent-type-imports": TYPE_IMPORTS,
      "@typescript-eslint/no-unused-vars": UNUSED,
    },
  },
  {
    files: ["web/src/**"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: "MemberExpression[property.name=/^(innerHTML|outerHTML|insertAdjacentHTML)$/]",
          message: "Text becomes text: by interpolation, textContent or VNodes.",
        },
      ],
    },
  },
  {
    files: ["scripts/**", "bench/**", "examples/**"],
    rules: { "no-console": "off" },
  },
  {
    // Processes are started with an environment of their own here.
    files: ["config/env.ts", "test/**", "bench/**"],
    rules: { "no-restricted-properties": "off", "no-restricted-imports": "off" },
  },
  {
    files: ["test/**", "sdk/test/**", "web/test/**"],
    rules: { "@typescript-eslint/unbound-method": "off" },
  },
  {
    files: ["test/types/**"],
    rules: { "@typescript-eslint/no-unused-vars": "off", "@typescript-eslint/no-unused-expressions": "off" },
  },
);
