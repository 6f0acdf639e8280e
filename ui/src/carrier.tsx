import "./base/styles/tokens.css";
import "./base/styles/base.css";
import "./base/styles/components.css";
import "./base/styles/phone.css";
import { startPage } from "./base/Page";
import { CarrierApp } from "./features/CarrierApp";
import { carrierWords } from "./words/carrier";

void startPage(carrierWords, <CarrierApp />);
