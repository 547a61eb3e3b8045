/// <reference types="vite/client" />

interface ImportMetaEnv {
  /** Of the product. */
  readonly VITE_VERSION: string;
}

declare module "*.vue" {
  import type { DefineComponent } from "vue";
  const component: DefineComponent<object, object, unknown>;
  export default component;
}
