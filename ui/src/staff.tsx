// The window of clinicians, nurses, managers and the office.

import "./base/styles/tokens.css";
import "./base/styles/base.css";
import "./base/styles/components.css";
import "./features/staff/styles/desk.css";
import "./features/staff/styles/panels.css";
import { startPage } from "./base/Page";
import { StaffApp } from "./features/staff/StaffApp";
import { staffWords } from "./words/staff";

void startPage(staffWords, <StaffApp />);
