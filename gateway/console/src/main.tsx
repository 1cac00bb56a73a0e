import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/layout.css";
import "./styles/detail.css";
import "./styles/traffic.css";
import "./styles/views.css";
import "./ui/theme";
import { App } from "./app";

const root = document.getElementById("root");
if (root !== null) createRoot(root).render(<StrictMode><App /></StrictMode>);
