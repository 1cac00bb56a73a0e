// Lines that stay apart on light and on dark, also for most colour-blind people.
export const colours = ["#1b9e8f", "#d9772b", "#4f7fd6", "#c44e8c", "#8a9a2c", "#8661c9", "#c9a227", "#7d8a91"];
