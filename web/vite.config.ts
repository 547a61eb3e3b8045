import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import ElementPlus from "unplugin-element-plus/vite";
import Components from "unplugin-vue-components/vite";
import { ElementPlusResolver } from "unplugin-vue-components/resolvers";
import { defineConfig, loadEnv } from "vite";
import product from "../package.json" with { type: "json" };

const root = import.meta.dirname;
const LOCAL_SERVER = "http://127.0.0.1:3000";

/** What several screens share comes in few files: each has its round trip and its headers. */
const chunks = [
  { name: "vue", test: /node_modules[\\/](@vue|vue|vue-router|pinia|vue-i18n|@intlify)[\\/]/, priority: 3 },
  {
    name: "element",
    test: /node_modules[\\/](element-plus|@element-plus|@vueuse|lodash-es|@popperjs|@floating-ui|dayjs)[\\/]/,
    minShareCount: 2,
    priority: 2,
  },
  { name: "frame", test: /[\\/]web[\\/]src[\\/](ui|shell|session)[\\/]/, minShareCount: 3, priority: 1 },
];

/**
 * Everything is a file of its own below /assets, so that the page can forbid inline scripts and styles. `IM_URL` names the
 * server behind the development server.
 */
export default defineConfig(({ mode }) => {
  const target = loadEnv(mode, root, "IM_URL")["IM_URL"] ?? LOCAL_SERVER;
  return {
    root,
    envDir: root,
    plugins: [
      // Whole pieces of markup would be written as text into the page, which trusted types forbid.
      vue({ template: { compilerOptions: { hoistStatic: false } } }),
      Components({ dirs: [], dts: false, resolvers: [ElementPlusResolver({ importStyle: "css" })] }),
      ElementPlus({}),
    ],
    resolve: {
      alias: { "@moleculer-im/client": fileURLToPath(new URL("../sdk/src/index.ts", import.meta.url)) },
    },
    define: {
      "import.meta.env.VITE_VERSION": JSON.stringify(product.version),
      __VUE_OPTIONS_API__: true,
      __VUE_PROD_DEVTOOLS__: false,
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false,
      __VUE_I18N_FULL_INSTALL__: false,
      __VUE_I18N_LEGACY_API__: false,
      __INTLIFY_PROD_DEVTOOLS__: false,
      __INTLIFY_JIT_COMPILATION__: true,
      __INTLIFY_DROP_MESSAGE_COMPILER__: false,
    },
    build: {
      outDir: "dist",
      emptyOutDir: true,
      target: "baseline-widely-available",
      assetsDir: "assets",
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      // All styles are smaller than the many small files that they would be.
      cssCodeSplit: false,
      rolldownOptions: { output: { codeSplitting: { groups: chunks } } },
    },
    server: {
      proxy: {
        "/api": target,
        "/docs": target,
        "/openapi.json": target,
        "/asyncapi.json": target,
        "/socket.io": { target, ws: true },
      },
    },
    test: { environment: "node", include: ["test/**/*.test.ts"] },
  };
});
