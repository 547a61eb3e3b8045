#!/usr/bin/env node
import "../dist/im-chat.js";
