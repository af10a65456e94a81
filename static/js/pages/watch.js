// The register without a camera.

import { openRegister } from "../register/page.js";

openRegister();
