process.stdout.write("im-chat\n");
