import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", "src/api/schema.ts"] },
  ...tseslint.configs.recommended,
  hooks.configs.flat.recommended,
  // The rule is about the React compiler, which is not used.
  { rules: { "react-hooks/incompatible-library": "off" } },
);
