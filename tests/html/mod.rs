mod corpora;
mod fixtures;
mod hostile;
mod properties;
mod writer;
