// The account library says when a device did not use a passkey; say it to the person too.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const words = document.getElementById("passkey-words");
  if (words) words.hidden = false;
});
