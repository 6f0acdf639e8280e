// The staff page that a server gives to browsers: for a clinician without the app.

import "./base/styles/tokens.css";
import "./base/styles/base.css";
import "./base/styles/components.css";
import "./features/staff/styles/desk.css";
import "./features/staff/styles/panels.css";
import { startPage } from "./base/Page";
import { DeskApp } from "./features/desk/DeskApp";
import { staffWords } from "./words/staff";

void startPage(staffWords, <DeskApp />);
