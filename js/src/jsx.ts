// What JSX compiles to; esbuild injects it where a module needs it.

export { Fragment, h } from "preact";
